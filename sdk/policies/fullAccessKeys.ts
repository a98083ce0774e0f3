import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";
import { machinesByKey } from "./machines";
import { isOfType, listOf, policyConfig, sourcesOf, UNKNOWN } from "./values";

const EXCEPTIONS = "Names of SshKey resources, or ids of keys at BorgBase, that the policy leaves out.";

const REPOSITORIES = policyConfig(EXCEPTIONS, {
  maxRepositories: {
    type: "integer",
    minimum: 1,
    default: 1,
    description: "The largest number of repositories of one key.",
  },
});

/** A key has full access to one repository alone. */
export const keyRepositories: StackValidationPolicy = {
  name: "borgbase-key-repositories",
  displayName: "Keys have full access to one repository",
  description: "No key is in fullAccessKeys of several Repos: who gets hold of it could delete all their backups.",
  severity: "high",
  remediationSteps: "Give each Repo a key of its own, use appendOnlyKeys, or name the key in exceptions.",
  configSchema: REPOSITORIES.schema,
  validateStack(args, report) {
    const { exceptions, maxRepositories } = REPOSITORIES.read(args);
    for (const { key, name, repos } of fullAccess(args.resources)) {
      if (repos.length <= maxRepositories || exceptions.includes(name)) continue;
      report(
        `${describe(key, name)} has full access to ${repos.length} repositories (${namesOf(repos)}): use a key per Repo or appendOnlyKeys, or add "${name}" to exceptions.`,
        key?.urn ?? repos[0]?.urn,
      );
    }
  },
};

const MACHINES = policyConfig(EXCEPTIONS, {});

/** A key with full access is on one machine alone. */
export const keyMachines: StackValidationPolicy = {
  name: "borgbase-key-machines",
  displayName: "Keys with full access are on one machine",
  description: "No key in fullAccessKeys of a Repo is the privateKey of BackupJobs on several machines.",
  severity: "high",
  remediationSteps: "Give each machine a KeyPair of its own, use appendOnlyKeys, or name the key in exceptions.",
  configSchema: MACHINES.schema,
  async validateStack(args, report) {
    const { exceptions } = MACHINES.read(args);
    const keys = fullAccess(args.resources).filter(({ key, name }) => key && !exceptions.includes(name));
    if (keys.length === 0) return;
    const machinesOf = await machinesByKey(args.resources);
    for (const { key, name } of keys) {
      const machines = key ? machinesOf(key) : [];
      if (machines.length < 2) continue;
      report(
        `${describe(key, name)} has full access and is on ${machines.length} machines (${machines.join(", ")}): use a KeyPair per machine or appendOnlyKeys, or add "${name}" to exceptions.`,
        key?.urn,
      );
    }
  },
};

interface FullAccess {
  /** Undefined for an id of a key that is no resource of the stack. */
  key?: PolicyResource;
  /** The name of the SshKey, otherwise the id. */
  name: string;
  repos: PolicyResource[];
}

/** Every key with full access, and its repositories. A key that may be one of several resources is left out. */
function fullAccess(resources: PolicyResource[]): FullAccess[] {
  const repos = resources.filter((each) => isOfType(each, "Repo"));
  const keysById = new Map<string, PolicyResource>();
  for (const repo of repos) {
    const { known, unknown, keys } = fullAccessKeysOf(repo);
    const [id, key] = [known[0], keys[0]];
    if (known.length === 1 && unknown === 0 && keys.length === 1 && id && key) keysById.set(id, key);
  }
  const found = new Map<PolicyResource | string, FullAccess>();
  for (const repo of repos) {
    for (const key of identified(fullAccessKeysOf(repo), keysById)) {
      const name = typeof key === "string" ? key : key.name;
      const entry = found.get(key) ?? { ...(typeof key !== "string" && { key }), name, repos: [] };
      entry.repos.push(repo);
      found.set(key, entry);
    }
  }
  return [...found.values()];
}

interface FullAccessKeys {
  /** Known ids. */
  known: string[];
  /** The number of ids that only the deployment gives. */
  unknown: number;
  /** Resources that ids come from. The engine does not say which id. */
  keys: PolicyResource[];
}

function fullAccessKeysOf(repo: PolicyResource): FullAccessKeys {
  const list = listOf(repo.props, "fullAccessKeys");
  if (list === UNKNOWN) return { known: [], unknown: 0, keys: [] };
  const known = [...new Set(list.filter((each) => each !== UNKNOWN).map(String))];
  const unknown = list.filter((each) => each === UNKNOWN).length;
  return { known, unknown, keys: sourcesOf(repo, "fullAccessKeys", "SshKey") };
}

/** Resources where as many ids come from them, otherwise known ids. */
function identified({ known, unknown, keys }: FullAccessKeys, keysById: Map<string, PolicyResource>) {
  if (known.length + unknown === keys.length) return keys;
  const literal = known.map((id) => keysById.get(id) ?? id);
  return unknown === keys.length ? [...literal, ...keys] : literal;
}

function describe(key: PolicyResource | undefined, name: string): string {
  return key ? `SshKey "${name}"` : `The key ${name}`;
}

function namesOf(resources: PolicyResource[]): string {
  return resources
    .map(({ name }) => name)
    .sort()
    .join(", ");
}
