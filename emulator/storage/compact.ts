import { existsSync } from "node:fs";
import { join } from "node:path";
import { startBorg } from "./borgServe";
import type { StorageRepo } from "./types";

/** Seconds that a compaction waits for a running backup. */
const LOCK_WAIT = 600;

/**
 * Starts `borg compact`, which needs no passphrase, and resolves once it runs. An uninitialised repository is skipped.
 * BorgBase compacts append-only repositories too: docs.borgbase.com, "How can I prune append-only".
 *
 * @throws when borg is not installed.
 */
export async function compactRepo(repo: StorageRepo, log: (line: string) => void): Promise<void> {
  const path = join(repo.dir, "repo");
  if (!existsSync(join(path, "config"))) return;
  const child = startBorg(repo.dir, ["compact", "--lock-wait", String(LOCK_WAIT), path]);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "ENOENT" ? new Error("borg is not installed on the emulator's machine.") : error),
    );
  });
  child.stdin.end();
  child.stdout.resume();
  let message = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    message = `${message}${text}`.slice(-500);
  });
  child.once("close", (code, signal) => {
    const reason = code === 0 ? "" : `: ${message.trim().split("\n").at(-1)}`;
    log(`borg compact ${repo.id} ended with ${code ?? signal}${reason}`);
  });
}
