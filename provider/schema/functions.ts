import { DEFAULT_PORT, DEFAULT_TIMEOUT } from "../ssh/defaults";
import { type ArgsOf, defineFunction, input, output, type ResultOf, type Zod } from "./define";
import { hostFields, hostKeys, jumpHosts } from "./host";
import { repoSchema } from "./repo";
import { sshKeySchema } from "./sshKey";

const REPO_INFO = {
  result: "RepoInfo",
  resultDescription: "A repository with its usage. Holds no passwords.",
};

const SSH_KEY_INFO = { result: "SshKeyInfo", resultDescription: "A registered SSH key." };

const ID_OR_NAME = {
  oneOf: true,
  argsError: "give { id } or { name }, one of the two",
  errors: ["A name that several objects have is refused, with the id of each: a guess could hit the wrong backup."],
};

export const getRepoSchema = defineFunction(
  {
    name: "getRepo",
    description: "Reads a repository by `{ id }` or exact `{ name }`, with its usage and last modification.",
    ...ID_OR_NAME,
    ...REPO_INFO,
  },
  (z) => ({ args: idOrName(z, "repository"), result: repoInfo(z) }),
);

export const getReposSchema = defineFunction(
  {
    name: "getRepos",
    description: "Reads all repositories of the account, or those with exactly this name.",
    args: "GetReposArgs",
    argsDescription: "Filter of `getRepos`.",
    argsError: "give { name } or nothing",
    list: "repos",
    ...REPO_INFO,
  },
  (z) => ({
    args: { name: input(z.string({ error: "name must be a text" }), { description: "Exact name. Unset: all." }) },
    result: repoInfo(z),
  }),
);

export const getSshKeySchema = defineFunction(
  {
    name: "getSshKey",
    description: "Reads a registered SSH key by `{ id }` or exact `{ name }`.",
    ...ID_OR_NAME,
    ...SSH_KEY_INFO,
  },
  (z) => ({ args: idOrName(z, "SSH key"), result: sshKeyInfo(z) }),
);

export const getSshKeysSchema = defineFunction(
  {
    name: "getSshKeys",
    description: "Reads all SSH keys of the account.",
    argsError: "takes no arguments",
    list: "sshKeys",
    ...SSH_KEY_INFO,
  },
  (z) => ({ args: {}, result: sshKeyInfo(z) }),
);

export const getAccountSchema = defineFunction(
  {
    name: "getAccount",
    description: "Reads the account that the token belongs to: its plan, usage and counts.",
    argsError: "takes no arguments",
    result: "AccountInfo",
    resultDescription: "The account that the token belongs to.",
    errors: ["A Create Only token may not ask for the account."],
  },
  (z) => ({
    args: {},
    result: {
      username: output(z.string(), { description: "Name that the account logs in with." }),
      diskUsage: output(z.number(), { description: "Usage of all repositories.", unit: "MB" }),
      repoCount: output(z.number(), { description: "Number of repositories." }),
      sshKeyCount: output(z.number(), { description: "Number of registered SSH keys." }),
      plan: output(accountPlan(z).optional(), { description: "Plan of the account. Unset where the API names none." }),
    },
  }),
);

export const getStorageSchema = defineFunction(
  {
    name: "getStorage",
    description: "Reads the free space of an account on a host, also where there is no shell.",
    args: "StorageArgs",
    argsDescription: "An account on a host, a way to log in, and a folder.",
    result: "StorageInfo",
    resultDescription: "Free space of the file system that a folder lies on.",
    errors: ["A host that neither runs `df` nor knows statvfs over SFTP is an error that says so."],
  },
  (z) => ({
    args: {
      ...where(z),
      path: input(z.string({ error: "path must be a text" }), {
        description: "Folder to look at.",
        defaultDescription: "the folder where a login starts",
      }),
    },
    result: {
      total: output(z.number(), { description: "Size of the file system.", unit: "bytes" }),
      used: output(z.number(), { description: "Used space.", unit: "bytes" }),
      available: output(z.number(), { description: "Space that this account may still write.", unit: "bytes" }),
      percentUsed: output(z.number(), {
        description: "Used part of the space that this account could use, with one decimal.",
        unit: "percent",
      }),
    },
  }),
);

export const testConnectionSchema = defineFunction(
  {
    name: "testConnection",
    description:
      "Tries a login step by step and returns how far it came. A host that refuses is an answer, not an error.",
    args: "Where",
    argsDescription: "An account on a host, the identity of the host, and a way to log in.",
    result: "ConnectionInfo",
    resultDescription: "Result of a login that was tried.",
  },
  (z) => ({
    args: where(z),
    result: {
      status: output(z.enum(["connected", "failed"]), { description: "Whether the login succeeded." }),
      error: output(z.string().optional(), { description: "Reason in one line. Unset when connected." }),
      phase: output(z.enum(["resolve", "connect", "hostKey", "authentication", "session"]), {
        description: "Step that failed; `session` when all steps succeeded.",
      }),
      access: output(z.enum(["shell", "restricted", "sftp"]).optional(), {
        description: "What the login may do. Unset when it failed.",
      }),
      latencyMs: output(z.number().optional(), {
        description: "Duration of about one round trip. Unset when no connection came about.",
        unit: "milliseconds",
      }),
      remoteBorgVersion: output(z.string().optional(), {
        description: "Version of the borg that the login finds. Unset where there is none.",
      }),
    },
  }),
);

export type RepoInfo = ResultOf<typeof getRepoSchema>;
export type SshKeyInfo = ResultOf<typeof getSshKeySchema>;
export type AccountInfo = ResultOf<typeof getAccountSchema>;
export type StorageArgs = ArgsOf<typeof getStorageSchema>;
export type StorageInfo = ResultOf<typeof getStorageSchema>;
export type Where = ArgsOf<typeof testConnectionSchema>;
export type ConnectionInfo = ResultOf<typeof testConnectionSchema>;

/** Which object to read: exactly one of the two. */
export type IdOrName = { id: string; name?: undefined } | { name: string; id?: undefined };

function idOrName(z: Zod, kind: string) {
  const text = z.string({ error: ID_OR_NAME.argsError }).min(1, { error: ID_OR_NAME.argsError });
  return {
    id: input(text, { description: `Id of the ${kind}.` }),
    name: input(text, { description: `Exact name of the ${kind}.` }),
  };
}

function repoInfo(z: Zod) {
  const {
    forceDestroy: _,
    keepOnDelete: _keep,
    resticUrl: _url,
    htpasswd: _password,
    existingId: _id,
    ...fields
  } = repoSchema.declarations(z);
  return {
    id: output(z.string(), { description: "Id of the repository." }),
    ...fields,
    currentUsage: output(z.number(), { description: "Current usage.", unit: "MB" }),
    lastModified: output(z.string().optional(), {
      description:
        "Time of the last modification, ISO 8601. Unset: never. A hint, no proof of a backup: compaction counts too.",
    }),
  };
}

function sshKeyInfo(z: Zod) {
  const { existingId: _, ...fields } = sshKeySchema.declarations(z);
  return {
    id: output(z.string(), { description: "Id of the key." }),
    ...fields,
    lastUsedAt: output(z.string().optional(), { description: "Time of the last login, ISO 8601. Unset: never." }),
  };
}

function accountPlan(z: Zod) {
  return z
    .object({
      name: z.string().optional().describe("Name of the plan."),
      includedGb: z.number().describe("Included space in GB."),
    })
    .meta({ id: "AccountPlan", description: "A plan of BorgBase." });
}

function where(z: Zod) {
  const jumps = jumpHosts(z);
  const text = (name: string) => z.string({ error: `${name} must be a text` });
  return {
    host: input(text("host").min(1, { error: "host must not be empty" }), { ...hostFields.host, required: true }),
    port: input(z.int({ error: "port must be a whole number" }), { ...hostFields.port, default: DEFAULT_PORT }),
    username: input(text("username"), { ...hostFields.username, required: true }),
    hostKey: input(hostKeys(z), { ...hostFields.hostKey, required: true }),
    privateKey: input(text("privateKey"), { ...hostFields.privateKey }),
    passphrase: input(text("passphrase"), { ...hostFields.passphrase }),
    password: input(text("password"), { ...hostFields.password }),
    agent: input(z.boolean({ error: "agent must be true or false" }), { ...hostFields.agent, default: false }),
    proxyJump: input(jumps.schema, { ...hostFields.proxyJump, documentedAs: jumps.documentedAs }),
    timeout: input(z.number({ error: "timeout must be a number of seconds" }).min(1).max(3600), {
      ...hostFields.timeout,
      default: DEFAULT_TIMEOUT,
    }),
    sshPathPrefix: input(text("sshPathPrefix"), {
      description: "Prefix of absolute paths used over a shell, for example `/volume1` on Synology.",
    }),
  };
}
