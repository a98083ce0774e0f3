import { rename, rm } from "node:fs/promises";
import { stopAllIn } from "./borgServe";
import { forgetRepo } from "./resticFiles";
import type { StorageRepo } from "./types";

/**
 * Erases what a repository holds. Sessions that are working in it are cut first, and uploads under way fail.
 * To be called once the backend no longer knows the repository, so that no new session begins.
 */
export async function removeRepo(repo: StorageRepo): Promise<void> {
  await stopAllIn(repo.dir);
  forgetRepo(repo.dir);
  // One rename takes the whole folder away at once: whoever still writes by path finds nothing.
  const doomed = `${repo.dir}.removed`;
  try {
    await rm(doomed, { recursive: true, force: true });
    await rename(repo.dir, doomed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  await rm(doomed, { recursive: true, force: true });
}
