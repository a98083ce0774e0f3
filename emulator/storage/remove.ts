import { rename, rm } from "node:fs/promises";
import { stopAllIn } from "./borgServe";
import { forgetRepo } from "./resticFiles";
import type { StorageRepo } from "./types";

/**
 * Deletes the data of a repository. Its sessions are closed first, and running uploads fail. Must be called after the
 * backend has forgotten the repository, so that no new session begins.
 */
export async function removeRepo(repo: StorageRepo): Promise<void> {
  await stopAllIn(repo.dir);
  forgetRepo(repo.dir);
  // A rename removes the whole folder atomically: a writer that still uses its path finds nothing.
  const renamed = `${repo.dir}.removed`;
  try {
    await rm(renamed, { recursive: true, force: true });
    await rename(repo.dir, renamed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  await rm(renamed, { recursive: true, force: true });
}
