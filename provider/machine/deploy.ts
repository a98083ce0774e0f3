import { randomBytes } from "node:crypto";
import { ProviderError } from "../errors";
import type { BackupJobInputs, BackupJobState } from "../schema/backupJob";
import { printable } from "../ssh/error";
import { differs, differsAnywhere } from "./compareFiles";
import type { Machine } from "./host/machine";
import { type Manifest, renderManifest } from "./host/manifest";
import { mustRun } from "./host/mustRun";
import { type Observation, observe } from "./host/observation";
import { makeFolder, moveStaged, quote, stagedPath, writeFile } from "./host/shell";
import { assertOffered, installTools, missingTools } from "./packages";
import {
  type HostFacts,
  isAtLeast,
  type JobNames,
  jobNames,
  jobOf,
  type Plan,
  type PlannedFile,
  renderPlan,
} from "./plan";
import { renderWrapper } from "./plan/wrapper";
import { assertOurs, assertUsable, assertVersions, factsOf } from "./preflight";
import { acceptRelocation, type RepositoryFacts, settleRepository } from "./repository";
import { applySchedule, assertScheduled } from "./schedule";
import { scanServerKeys, serverOf, stillDeclared } from "./serverKeys";

/** The steps of a deployment, in their order. After each, the next run goes on from what the host holds. */
export type Step = "claim" | "packages" | "stage" | "repository" | "replace" | "schedule" | "ready";

/** Arguments with those that every job has. */
export type CompleteInputs = BackupJobInputs & Required<Pick<BackupJobInputs, "name" | "user" | "encryption">>;

export interface Deployment {
  inputs: CompleteInputs;
  /** The state before an update. */
  old: BackupJobState | undefined;
  origin: string;
  /** Prints a line for the user. */
  log?(line: string): void;
  /** Called after each step. An error ends the deployment there. */
  afterStep?(step: Step): void | Promise<void>;
}

export interface Deployed {
  facts: HostFacts;
  plan: Plan;
  repository: RepositoryFacts;
  instance: string;
  knownHosts: string;
}

/** Brings one job on one host to what the program says. Every step can be repeated. */
export async function deploy(machine: Machine, deployment: Deployment): Promise<Deployed> {
  const { inputs, old, origin, log = () => {}, afterStep = () => {} } = deployment;
  const { user } = inputs;
  const names = jobNames(inputs.name, user);
  let found = await observe(machine, names, user);
  assertUsable(machine, found, inputs);
  assertOurs(machine, found, names, { origin, isKnown: old !== undefined });
  const minimum = { borg: "1.2.0", borgmatic: "1.7.0", ...inputs.minimum };
  assertVersions(machine, found, minimum);
  if (missingTools(found).length > 0) {
    if (inputs.install === "none") factsOf(machine, found);
    await assertOffered(machine, found, missingTools(found), minimum);
  }

  const { paths = [], packages = [], signatures = [], versions = {} } = found.manifest ?? {};
  const instance = instanceFor(found.manifest, old);
  const manifest: Manifest = { schema: 1, origin, instance, phase: "applying", paths, packages, signatures, versions };
  const left = await claim(machine, found, names, manifest);
  if (old === undefined && left.length > 0) log(leftBehind(machine, left));
  await afterStep("claim");

  if (missingTools(found).length > 0) {
    manifest.packages = [...packages, ...(await installTools(machine, found, missingTools(found)))];
    found = await observe(machine, names, user);
    await afterStep("packages");
  }
  const facts = factsOf(machine, found);
  assertVersions(machine, found, minimum);

  const knownHosts = await settleKnownHosts(machine, found, inputs, names.knownHosts, old);
  const job = jobOf(inputs, knownHosts);
  const plan = renderPlan(job, facts);
  const stale = plan.files.filter((file) => differs(found, file));
  await stage(machine, plan, facts, [...stale, ...plan.schedule.files.filter((file) => differs(found, file))], job);
  await afterStep("stage");

  const reaches = [names.privateKey, names.passphrase, names.knownHosts, names.wrapper];
  const isSettled =
    found.manifest?.phase === "ready" && old?.repositoryKey && !stale.some(({ path }) => reaches.includes(path));
  const repository =
    isSettled && old?.repository === inputs.repository
      ? { id: old.repositoryId, key: old.repositoryKey }
      : await settle(machine, plan, facts, job, deployment);
  await afterStep("repository");

  const scheduleChanges = differsAnywhere(found, plan.schedule.files);
  await replace(machine, plan, stale, job.repository);
  if (old !== undefined && old.repository !== inputs.repository) {
    await acceptRelocation(machine, plan, user, repository.id);
  }
  await afterStep("replace");

  await applySchedule(machine, plan, { isNew: old === undefined || scheduleChanges });
  await afterStep("schedule");

  await assertScheduled(machine, plan, user);
  Object.assign(manifest, {
    phase: "ready",
    paths: [...plan.files, ...plan.schedule.files].map(({ path }) => path),
    signatures: [found.signatures.borg, found.signatures.borgmatic],
    versions: facts.versions,
  } satisfies Partial<Record<keyof Manifest, unknown>>);
  await mustRun(
    machine,
    writeFile({ ...ROOT_FILE, path: names.manifest, content: renderManifest(manifest) }),
    "record the job",
  );
  await afterStep("ready");
  return { facts, plan, repository, instance, knownHosts };
}

const ROOT_FILE = { mode: 0o600, owner: "root", group: "root" };

/** The deletion of a replaced job finds another instance than its own, and leaves the new one. */
function instanceFor(manifest: Manifest | undefined, old: BackupJobState | undefined): string {
  if (old !== undefined) return old.instance;
  return manifest?.phase === "applying" ? manifest.instance : randomBytes(12).toString("hex");
}

/**
 * Of two stacks that claim a folder at once, one makes it.
 * @returns folders of the same resource under other names, whose deployment was interrupted
 */
async function claim(machine: Machine, found: Observation, names: JobNames, manifest: Manifest): Promise<string[]> {
  const { root, folder, manifest: path } = names;
  const makeRoot = `mkdir -p -m 755 ${root}`;
  // The account of the job may enter its folder as soon as the plan says so.
  const makeJob = `mkdir -m 700 ${folder}`;
  const isSame = `grep -qF ${quote(JSON.stringify(manifest.origin))} "$m" && grep -qF '"phase": "applying"' "$m"`;
  const script = [
    makeRoot,
    // The deletion of another stack's last job may take the root away at this moment.
    ...(found.entries.has(folder) ? [] : [`{ ${makeJob} 2>/dev/null || { ${makeRoot} && ${makeJob}; }; }`]),
    writeFile({ ...ROOT_FILE, path, content: renderManifest(manifest) }),
    `for m in ${root}/*/manifest.json; do [ "$m" = ${path} ] || { ${isSame} && dirname "$m"; } || :; done`,
  ];
  return (await mustRun(machine, script.join(" && "), "claim the job's folder")).split("\n").filter(Boolean);
}

function leftBehind({ address }: Machine, folders: string[]): string {
  return `an interrupted creation under another name has left ${folders.join(", ")} on ${address}; docs/machines.md says how to remove it`;
}

async function settleKnownHosts(
  machine: Machine,
  found: Observation,
  { repository, repositoryHostKeys }: BackupJobInputs,
  path: string,
  old: BackupJobState | undefined,
): Promise<string> {
  const server = serverOf(repository);
  if (server === undefined) return "";
  const declared = [repositoryHostKeys ?? []].flat() as string[];
  const entry = found.entries.get(path);
  const present = entry?.kind === "file" ? (entry.text ?? "") : "";
  // A roll-over of keys is a new scan; else the lines that were matched once stay.
  const isSame =
    old?.repository === repository && JSON.stringify(old.repositoryHostKeys) === JSON.stringify(repositoryHostKeys);
  if (isSame && present !== "" && stillDeclared(present, server, declared) === present) return present;
  return scanServerKeys(machine, server, declared);
}

/** Writes the new files beside the old ones, and lets borgmatic read the configuration. */
async function stage(
  machine: Machine,
  plan: Plan,
  facts: HostFacts,
  stale: PlannedFile[],
  job: ReturnType<typeof jobOf>,
): Promise<void> {
  const { names, lock } = plan;
  const { user, group } = { user: lock.owner, group: lock.group };
  const secrets = plan.files.filter(({ path }) =>
    [names.privateKey, names.passphrase, names.knownHosts].includes(path),
  );
  const files = [...new Set([...secrets, ...stale])].map((file) => ({ ...file, path: stagedPath(file.path) }));
  const script = [
    ...plan.folders.map(makeFolder),
    `{ [ -e ${lock.path} ] || (umask 077; : > ${lock.path}); } && chown ${quote(`${user}:${group}`)} ${lock.path} && chmod 600 ${lock.path}`,
    ...files.map(writeFile),
    writeFile(probeWrapper(plan, facts, job, stagedPath(names.passphrase))),
  ];
  await mustRun(machine, script.join(" && "), "write the job's files");
  if (!stale.some(({ path }) => path === names.config)) return;
  const config = quote(stagedPath(names.config));
  const borgmatic = quote(facts.commands.borgmatic);
  const validate = isAtLeast(facts.versions.borgmatic, "1.7.15")
    ? `${borgmatic} config validate --config ${config}`
    : `validate-borgmatic-config --config ${config}`;
  const { code, output, stderr } = await machine.run(`${validate} 2>&1`, { purpose: "validate the configuration" });
  if (code === 0) return;
  const reason = printable(`${output}${stderr}`).slice(-400);
  throw new ProviderError(
    "input",
    `borgmatic ${facts.versions.borgmatic} on ${machine.address} refuses the configuration: ${reason}. The job there is unchanged.`,
  );
}

function probeWrapper(plan: Plan, facts: HostFacts, job: ReturnType<typeof jobOf>, passphrase: string): PlannedFile {
  const { names, files } = plan;
  const wrapper = files.find(({ path }) => path === names.wrapper) as PlannedFile;
  const staged = {
    ...names,
    passphrase,
    privateKey: stagedPath(names.privateKey),
    knownHosts: stagedPath(names.knownHosts),
    // A folder of its own knows no earlier address of the repository, so none stands in the way.
    stateFolder: `${names.stateFolder}/probe`,
  };
  const name = passphrase === stagedPath(names.passphrase) ? "probe" : "probe-former";
  return { ...wrapper, path: `${names.wrapper}.${name}`, content: renderWrapper(job, staged, facts) };
}

async function settle(
  machine: Machine,
  plan: Plan,
  facts: HostFacts,
  job: ReturnType<typeof jobOf>,
  { inputs, old }: Deployment,
): Promise<RepositoryFacts> {
  const passphraseFile = plan.files.find(({ path }) => path === plan.names.passphrase) as PlannedFile;
  return settleRepository(machine, {
    plan,
    user: facts.account.name,
    repository: inputs.repository,
    initialize: inputs.initialize ?? true,
    encryption: inputs.encryption,
    expectedId: old?.repositoryId,
    oldPassphrase: old?.passphrase,
    probe: `${plan.names.wrapper}.probe`,
    probeWith: (path) => probeWrapper(plan, facts, job, path),
    passphraseFile,
    stagedPassphrase: stagedPath(plan.names.passphrase),
  });
}

/** Puts the new files in place of the old ones, and removes what only served the way there. */
async function replace(machine: Machine, plan: Plan, stale: PlannedFile[], repository: string): Promise<void> {
  const { names } = plan;
  const moves = stale.map(({ path }) => moveStaged(path));
  const obsolete = serverOf(repository) === undefined ? [names.knownHosts] : [];
  const rest = [names.privateKey, names.passphrase, names.knownHosts].map(stagedPath);
  const script = [
    ...moves,
    `rm -f ${[...rest, ...obsolete, `${names.passphrase}.old`, `${names.wrapper}.probe`, `${names.wrapper}.probe-former`].join(" ")}`,
    `rm -rf ${names.stateFolder}/probe`,
  ];
  await mustRun(machine, script.join(" && "), "put the job's files in place");
}
