import { ProviderError } from "../errors";
import { type BorgResult, runBorg } from "./borg";
import type { Machine } from "./host/machine";
import { type FileToWrite, quote, writeFile } from "./host/shell";
import type { Plan } from "./plan/types";

/** What a job needs to know of its repository. */
export interface RepositoryFacts {
  id: string;
  /** The exported key. With the passphrase it opens every archive. */
  key: string;
}

export interface RepositoryTask {
  plan: Plan;
  user: string;
  repository: string;
  initialize: boolean;
  encryption: string;
  /** Id in the state; another one is refused. */
  expectedId: string | undefined;
  /** Passphrase of the last deployment, which may still be the repository's. */
  oldPassphrase: string | undefined;
  /** Wrapper for probes: it uses the new files before they replace the old ones. */
  probe: string;
  /** The same with another file of the passphrase. */
  probeWith(passphraseFile: string): FileToWrite;
  passphraseFile: FileToWrite;
  stagedPassphrase: string;
}

/**
 * Opens the repository with the new key, host keys and passphrase; makes it where none is; changes its passphrase where
 * the old one opens it.
 */
export async function settleRepository(machine: Machine, task: RepositoryTask): Promise<RepositoryFacts> {
  const found = await probe(machine, task);
  if (isMissing(found)) await create(machine, task);
  else if (isWrongPassphrase(found)) await changePassphrase(machine, task);
  else if (found.code !== 0) throw cannotOpen(machine, task, found);
  const facts = await exportKey(machine, task);
  if (task.expectedId !== undefined && task.expectedId !== facts.id) {
    throw new ProviderError(
      "refused",
      `The repository ${shown(task.repository)} has the id ${facts.id}, and this job backs up to ${task.expectedId}: its archives would be split over two. Put the old address back, or replace the job (replaceOnChanges: ["repository"]) to start anew.`,
    );
  }
  return facts;
}

/**
 * Accepts once that the repository has another address. Later runs then trust it.
 * A job that has never reached its repository has nothing to accept.
 */
export async function acceptRelocation(machine: Machine, plan: Plan, user: string, id: string): Promise<void> {
  const location = `${plan.names.stateFolder}/.config/borg/security/${id}/location`;
  const before = `[ -e ${quote(location)} ] || exit 0; BORG_RELOCATED_REPO_ACCESS_IS_OK=yes; export BORG_RELOCATED_REPO_ACCESS_IS_OK`;
  const call = { wrapper: plan.names.wrapper, user, args: "--bypass-lock info", before };
  const { code, reason } = await runBorg(machine, call, { purpose: "accept the repository's new address" });
  if (code === 0) return;
  throw new ProviderError("host", `borg on ${machine.address} does not accept the repository's new address: ${reason}`);
}

/** Lists one archive: that needs the key, and no cache of a large repository. A backup that runs does not disturb. */
async function probe(machine: Machine, { probe, user }: RepositoryTask, wrapper = probe): Promise<BorgResult> {
  const args = "--bypass-lock list --json --last 1";
  return runBorg(machine, { wrapper, user, args }, { purpose: "open the repository" });
}

async function create(machine: Machine, task: RepositoryTask): Promise<void> {
  const { repository, expectedId, initialize, encryption, probe, user } = task;
  if (expectedId !== undefined) {
    throw new ProviderError(
      "refused",
      `There is no repository at ${shown(repository)} any more, and this job backs up to ${expectedId}. Bring it back, or replace the job (replaceOnChanges: ["repository"]) to start anew.`,
    );
  }
  if (!initialize) {
    throw new ProviderError(
      "refused",
      `There is no repository at ${shown(repository)}, and initialize is false: make it, or set initialize: true.`,
    );
  }
  const args = `init --encryption ${quote(encryption)}`;
  const { code, reason } = await runBorg(machine, { wrapper: probe, user, args }, { purpose: "make the repository" });
  if (code === 0) return;
  throw new ProviderError("host", `borg on ${machine.address} could not make the repository: ${reason}`);
}

/**
 * Changes the passphrase with the first of the known ones that opens the repository. The new one lies in its file
 * already: whenever this is interrupted, one of both files opens the repository.
 */
async function changePassphrase(machine: Machine, task: RepositoryTask): Promise<void> {
  const { plan, user, oldPassphrase, passphraseFile, stagedPassphrase, probeWith } = task;
  const { names } = plan;
  const former: FileToWrite = { ...passphraseFile, path: `${names.passphrase}.old`, content: `${oldPassphrase}\n` };
  const candidates = [names.passphrase, ...(oldPassphrase === undefined ? [] : [former.path])];
  for (const path of candidates) {
    const wrapper = probeWith(path);
    const files = [...(path === former.path ? [former] : []), wrapper];
    await machine.run(files.map(writeFile).join(" && "), { purpose: "prepare another passphrase" });
    const opened = await probe(machine, task, wrapper.path);
    // A first deployment has no file of a passphrase in place yet.
    if (isWrongPassphrase(opened) || opened.ids.includes("PasscommandFailure")) continue;
    if (opened.code !== 0) throw cannotOpen(machine, task, opened);
    // borg takes a new passphrase from its environment alone. Only this account sees it, and only for this call.
    const before = `exec 9<${quote(names.lock)}; i=0
until flock -n 9; do i=$((i+1)); [ $i -lt 20 ] || { echo 'a backup is running; run again when it has ended' >&2; exit 75; }; sleep 1; done
BORG_NEW_PASSPHRASE=$(cat ${quote(stagedPassphrase)}); export BORG_NEW_PASSPHRASE`;
    const draft = quote(`${names.passphrase}.draft`);
    const after = `cp -p ${quote(stagedPassphrase)} ${draft} && mv -f ${draft} ${quote(names.passphrase)}; rm -f ${quote(former.path)}`;
    const call = { wrapper: wrapper.path, user, args: "key change-passphrase", before, after };
    const { code, reason } = await runBorg(machine, call, { purpose: "change the passphrase" });
    if (code === 0) return;
    throw new ProviderError("host", `The passphrase of the repository could not be changed: ${reason}`);
  }
  throw new ProviderError(
    "host",
    `The passphrase does not open the repository ${shown(task.repository)}, and neither does the one before. Set the passphrase that it has; a new one can follow in a second deployment.`,
  );
}

async function exportKey(machine: Machine, { probe, user }: RepositoryTask): Promise<RepositoryFacts> {
  const call = { wrapper: probe, user, args: "key export" };
  const { code, stdout, reason } = await runBorg(machine, call, { purpose: "export the repository's key" });
  const [, id] = /^BORG_KEY ([0-9a-f]{64})\s/.exec(stdout) ?? [];
  if (code === 0 && id !== undefined) return { id, key: stdout };
  throw new ProviderError(
    "host",
    `borg on ${machine.address} could not export the repository's key: ${reason || "it printed none"}. Only repositories that hold their key (repokey) can be used.`,
  );
}

/** An empty folder counts as no repository, as BorgBase makes one. Any other error is no reason to make a repository. */
function isMissing({ code, ids }: BorgResult): boolean {
  return code !== 0 && ids.some((id) => id === "Repository.DoesNotExist" || id === "Repository.InvalidRepository");
}

function isWrongPassphrase({ code, ids }: BorgResult): boolean {
  return code !== 0 && ids.includes("PassphraseWrong");
}

function cannotOpen(machine: Machine, { repository }: RepositoryTask, { reason }: BorgResult): ProviderError {
  return new ProviderError(
    "host",
    `${machine.address} cannot open the repository ${shown(repository)}: ${reason || "borg gave no reason"}`,
  );
}

/** A repository's address without a password. */
function shown(repository: string): string {
  return repository.replace(/^(\w+:\/\/[^:@/]*):[^@/]*@/, "$1@");
}
