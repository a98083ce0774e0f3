import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, rmdir, utimes } from "node:fs/promises";
import { join, posix } from "node:path";
import { type Attributes, type SFTPWrapper, utils } from "ssh2";

const { STATUS_CODE: STATUS, flagsToString } = utils.sftp;

/** Limit of one read in bytes; clients read 32 KB at once. */
const MAX_READ_BYTES = 256 * 1024;
/** Limit of open files and folders per session. */
const MAX_HANDLES = 1000;

type Handle = { file: FileHandle } | { entries: { filename: string; longname: string; attrs: Attributes }[] };

/**
 * Serves the folder of a repository over SFTP, as BorgBase does for the import and export of whole repositories
 * (docs.borgbase.com, setup/import). The client sees it as the root. Links are neither created nor followed, so no path leads out of it.
 */
export function serveSftp(sftp: SFTPWrapper, root: string): void {
  const handles = new Map<number, Handle>();
  let next = 0;

  const localPath = (path: string) => join(root, posix.resolve("/", path));
  const issue = (handle: Handle) => {
    handles.set(next, handle);
    const id = Buffer.alloc(4);
    id.writeUInt32BE(next++);
    return id;
  };
  const held = (id: Buffer) => (id.length === 4 ? handles.get(id.readUInt32BE()) : undefined);
  const fileOf = (id: Buffer) => {
    const handle = held(id);
    if (!handle || !("file" in handle)) throw status(STATUS.FAILURE);
    return handle.file;
  };
  /** Answers with OK when the action resolves to undefined, and with a status when it rejects; otherwise it has answered. */
  const answer = (request: number, action: () => Promise<unknown>) => {
    action().then(
      (done) => done === undefined && sftp.status(request, STATUS.OK),
      (error) => sftp.status(request, codeOf(error)),
    );
  };

  sftp.on("REALPATH", (request, path) => {
    const resolved = posix.resolve("/", path);
    sftp.name(request, [{ filename: resolved, longname: resolved, attrs: {} as Attributes }]);
  });
  const attributes = (request: number, path: string) =>
    answer(request, async () => sftp.attrs(request, attributesOf(await lstat(localPath(path)))) ?? true);
  sftp.on("STAT", attributes);
  sftp.on("LSTAT", attributes);
  sftp.on("FSTAT", (request, id) =>
    answer(request, async () => sftp.attrs(request, attributesOf(await fileOf(id).stat())) ?? true),
  );
  sftp.on("OPENDIR", (request, path) =>
    answer(request, async () => {
      if (handles.size >= MAX_HANDLES) throw status(STATUS.FAILURE);
      const names = await readdir(localPath(path));
      const listed = names.map(async (filename) => {
        const attrs = attributesOf(await lstat(join(localPath(path), filename)));
        return {
          filename,
          longname: `${attrs.mode & 0o040000 ? "d" : "-"}rw------- 1 ${attrs.size} ${filename}`,
          attrs,
        };
      });
      const found = await Promise.allSettled(listed);
      const entries = found.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
      return sftp.handle(request, issue({ entries })) ?? true;
    }),
  );
  sftp.on("READDIR", (request, id) =>
    answer(request, async () => {
      const handle = held(id);
      if (!handle || !("entries" in handle)) throw status(STATUS.FAILURE);
      if (handle.entries.length === 0) throw status(STATUS.EOF);
      return sftp.name(request, handle.entries.splice(0, 100)) ?? true;
    }),
  );
  sftp.on("OPEN", (request, path, flags) =>
    answer(request, async () => {
      if (handles.size >= MAX_HANDLES) throw status(STATUS.FAILURE);
      const wanted = flagsToString(flags);
      if (!wanted) throw status(STATUS.FAILURE);
      const file = await open(localPath(path), openFlags(wanted), 0o600);
      return sftp.handle(request, issue({ file })) ?? true;
    }),
  );
  sftp.on("READ", (request, id, offset, length) =>
    answer(request, async () => {
      const bytes = Buffer.alloc(Math.min(length, MAX_READ_BYTES));
      const { bytesRead } = await fileOf(id).read(bytes, 0, bytes.length, offset);
      if (bytesRead === 0) throw status(STATUS.EOF);
      return sftp.data(request, bytes.subarray(0, bytesRead)) ?? true;
    }),
  );
  sftp.on("WRITE", (request, id, offset, data) =>
    answer(request, async () => {
      const { bytesWritten } = await fileOf(id).write(data, 0, data.length, offset);
      if (bytesWritten < data.length) throw status(STATUS.FAILURE);
    }),
  );
  sftp.on("CLOSE", (request, id) =>
    answer(request, async () => {
      const handle = held(id);
      if (!handle) throw status(STATUS.FAILURE);
      handles.delete(id.readUInt32BE());
      if ("file" in handle) await handle.file.close();
    }),
  );
  sftp.on("MKDIR", (request, path) => answer(request, async () => void (await mkdir(localPath(path), 0o700))));
  sftp.on("RMDIR", (request, path) => answer(request, () => rmdir(localPath(path))));
  sftp.on("REMOVE", (request, path) => answer(request, () => rm(localPath(path))));
  sftp.on("RENAME", (request, from, to) => answer(request, () => rename(localPath(from), localPath(to))));
  // Modes are ignored: the emulator must stay able to read the files.
  sftp.on("SETSTAT", (request, path, { atime, mtime }) =>
    answer(request, async () => {
      const known = await lstat(localPath(path));
      if (mtime !== undefined) await utimes(localPath(path), atime ?? known.atime, mtime);
    }),
  );
  sftp.on("FSETSTAT", (request, id, { atime, mtime }) =>
    answer(request, async () => {
      if (mtime !== undefined) await fileOf(id).utimes(atime ?? mtime, mtime);
    }),
  );
  const release = () => {
    for (const handle of handles.values()) if ("file" in handle) handle.file.close().catch(() => {});
    handles.clear();
  };
  // A finished client waits for this end.
  sftp.once("end", () => sftp.end());
  sftp.once("end", release).once("close", release);
}

/** Node's flags, plus O_NOFOLLOW: a link may have been created outside SFTP. */
function openFlags(text: string): number {
  const base = {
    r: constants.O_RDONLY,
    w: constants.O_WRONLY | constants.O_CREAT,
    a: constants.O_WRONLY | constants.O_CREAT,
  };
  let flags = base[text[0] as keyof typeof base];
  if (text.includes("+")) flags = (flags & ~constants.O_WRONLY) | constants.O_RDWR;
  if (text.startsWith("w")) flags |= constants.O_TRUNC;
  if (text.startsWith("a")) flags |= constants.O_APPEND;
  if (text.includes("x")) flags |= constants.O_EXCL;
  return flags | constants.O_NOFOLLOW;
}

function attributesOf(stats: {
  mode: number;
  uid: number;
  gid: number;
  size: number;
  atimeMs: number;
  mtimeMs: number;
}) {
  const seconds = (ms: number) => Math.floor(ms / 1000);
  const { mode, uid, gid, size } = stats;
  return { mode, uid, gid, size, atime: seconds(stats.atimeMs), mtime: seconds(stats.mtimeMs) };
}

function status(code: number): Error {
  return Object.assign(new Error("SFTP status"), { sftp: code });
}

function codeOf(error: { code?: string; sftp?: number }): number {
  if (error.sftp !== undefined) return error.sftp;
  if (error.code === "ENOENT") return STATUS.NO_SUCH_FILE;
  return error.code === "EACCES" || error.code === "EPERM" ? STATUS.PERMISSION_DENIED : STATUS.FAILURE;
}
