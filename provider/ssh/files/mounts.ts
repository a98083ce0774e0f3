import type { RemoteFiles } from "./remoteFiles";

/** Whether a file is mounted by itself on Linux. Nothing can be renamed over such a file. */
export async function isMountPoint(files: RemoteFiles, path: string): Promise<boolean> {
  const mounts = (await files.read("/proc/self/mountinfo"))?.content.toString("latin1") ?? "";
  const real = await files.realPath(path);
  // proc_pid_mountinfo(5): the fifth field is the mount point, with blanks as octal escapes.
  return mounts.split("\n").some((line) => unescaped(line.split(" ")[4] ?? "") === real);
}

function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}
