import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { messageOf, ProviderError } from "../../errors";
import { differences } from "../../lifecycle/compare";
import type { Context, Resource } from "../../lifecycle/resource";
import { observingMachine, onMachine } from "../../machine/access";
import type { CompleteInputs, Deployed } from "../../machine/deploy";
import type { Machine } from "../../machine/host/machine";
import { type BackupJobInputs, type BackupJobState, backupJobSchema } from "../../schema/backupJob";
import { isUnreachable } from "../../ssh/error";
import { withForgetHint, withKeepHint } from "../deletionHints";
import { rules } from "./rules";

/** Arguments that only the provider reads: their change alone contacts no host. */
const STATE_ONLY_FIELDS = new Set<string>([
  "connection",
  "become",
  "sudoPassword",
  "encryption",
  "initialize",
  "install",
  "minimum",
  "firstBackup",
  "keepOnDelete",
  "onUnreachable",
] satisfies (keyof BackupJobInputs)[]);

/** A borg backup job on one Linux host. */
export const backupJob: Resource<BackupJobInputs, BackupJobState> = {
  schema: backupJobSchema,
  drifts: true,
  rules,

  async create(inputs, context) {
    return onMachine(inputs, undefined, async (machine) => {
      const { deploy } = await import("../../machine/deploy.js");
      const whole = completed(inputs, { name: context.name });
      const origin = originOf(context);
      const deployed = await deploy(machine, { inputs: whole, old: undefined, origin, log: context.log });
      if (inputs.firstBackup === "start") await startFirstBackup(machine, deployed, context);
      const state = await stateOf(whole, deployed, machine.hostKeyFingerprint);
      return { id: idOf(whole.name, deployed), state };
    });
  },

  async read(id, props, context) {
    if (props.connection === undefined) throw notReadable(id);
    const state = props as BackupJobState;
    return observingMachine(state as BackupJobInputs, state.hostKeyFingerprint, async (machine) => {
      const { readDrift } = await import("../../machine/drift.js");
      const found = await readDrift(machine, state);
      for (const line of found.lines) context.log(line);
      return { ...state, ...found.outputs } as BackupJobState;
    });
  },

  async update(_id, state, inputs, context) {
    const changed = await differences(await backupJobSchema.fields(), inputs, state);
    const whole = completed(inputs, state);
    if (changed.includes("encryption")) throw fixedEncryption(state, inputs);
    if (state.status === "ready" && changed.every((name) => STATE_ONLY_FIELDS.has(name))) {
      return { ...kept(whole), ...outputsOf(state) } as BackupJobState;
    }
    return onMachine(inputs, state.hostKeyFingerprint, async (machine) => {
      const { deploy } = await import("../../machine/deploy.js");
      const deployed = await deploy(machine, { inputs: whole, old: state, origin: originOf(context) });
      return stateOf(whole, deployed, machine.hostKeyFingerprint);
    });
  },

  async delete(_id, state, context, deletion) {
    if (state.keepOnDelete) return;
    const { remove } = await import("../../machine/remove.js");
    try {
      await onMachine(state as BackupJobInputs, state.hostKeyFingerprint, (machine) =>
        remove(machine, state.name, state.user, state.instance),
      );
    } catch (error) {
      if (!isUnreachable(error)) throw withKeepHint(error, "the job", deletion);
      if (state.onUnreachable !== "forget") throw withForgetHint(error, "the job", deletion);
      const { connection } = state as BackupJobInputs;
      const host = connection === "local" ? "this machine" : connection.host;
      context.log(
        `${host} cannot be reached, so the job ${state.name} is forgotten and stays there, with its schedule, key and passphrase`,
      );
    }
  },
};

/** The job is in place by then: an error here is no reason to lose it from the state. */
async function startFirstBackup(machine: Machine, { plan, facts }: Deployed, { log }: Context): Promise<void> {
  const { startBackup } = await import("../../machine/schedule.js");
  try {
    await startBackup(machine, plan, facts.account.name);
  } catch (error) {
    log(`the job is in place, and its first backup was not started: ${messageOf(error)}`);
  }
}

function originOf({ origin, name }: Context): string {
  return origin ?? name;
}

/** A host's machine id is to stay on it: systemd's documentation wants it hashed. */
function idOf(name: string, { facts }: Deployed): string {
  const machine = createHash("sha256").update(`pulumi-borgbase ${facts.machineId}`).digest("hex").slice(0, 16);
  return `${name}@${machine}`;
}

async function stateOf(
  inputs: CompleteInputs,
  deployed: Deployed,
  hostKeyFingerprint: string | undefined,
): Promise<BackupJobState> {
  const { fingerprintsIn } = await import("../../machine/serverKeys.js");
  const { facts, plan, repository, instance, knownHosts } = deployed;
  const { schedule, names } = plan;
  return {
    ...kept(inputs),
    status: "ready",
    scheduler: schedule.scheduler,
    repositoryId: repository.id,
    repositoryKey: repository.key,
    pinnedHostKeys: fingerprintsIn(knownHosts),
    ...(hostKeyFingerprint && { hostKeyFingerprint }),
    unit: schedule.timer ?? schedule.service ?? names.cronPath,
    configPath: names.config,
    borgVersion: facts.versions.borg,
    borgmaticVersion: facts.versions.borgmatic,
    instance,
  } as BackupJobState;
}

/** Arguments with those that every job has: the value of the state, where the program sets none. */
function completed(inputs: BackupJobInputs, old: Partial<BackupJobState> & { name: string }): CompleteInputs {
  const { name = old.name, user = old.user ?? "root", encryption = old.encryption ?? "repokey-blake2" } = inputs;
  return { ...inputs, name, user, encryption };
}

/** Arguments as the state holds them: without the values that say that there is none. */
function kept(inputs: CompleteInputs): Partial<BackupJobState> {
  const isNone = (name: string, value: unknown) =>
    value === "" || isDeepStrictEqual(value, {}) || (name === "repositoryHostKeys" && isDeepStrictEqual(value, []));
  const entries = Object.entries(inputs).filter(([name, value]) => value !== undefined && !isNone(name, value));
  return Object.fromEntries(entries);
}

/** What only the host knows. */
function outputsOf(state: BackupJobState): Partial<BackupJobState> {
  const { status, scheduler, repositoryId, repositoryKey, pinnedHostKeys, hostKeyFingerprint, unit } = state;
  const { configPath, borgVersion, borgmaticVersion, instance } = state;
  const seen = { status, scheduler, repositoryId, repositoryKey, pinnedHostKeys, hostKeyFingerprint, unit };
  return { ...seen, configPath, borgVersion, borgmaticVersion, instance };
}

function fixedEncryption({ encryption }: BackupJobState, inputs: BackupJobInputs): ProviderError {
  return new ProviderError(
    "refused",
    `The encryption of a repository cannot be changed: it is ${encryption}, and encryption says ${inputs.encryption}. Put it back, or start anew with another repository.`,
  );
}

function notReadable(id: string): ProviderError {
  return new ProviderError(
    "refused",
    `The job ${id} cannot be read by its id, which names no way to log in. Declare it.`,
  );
}
