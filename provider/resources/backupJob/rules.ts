import type { Failure } from "../../errors";
import type { BackupJobInputs } from "../../schema/backupJob";
import type { RemoteMachine } from "../../schema/backupJobTypes";
import type { Problem } from "../../ssh/connection/address";
import { DEFAULT_PORT } from "../../ssh/defaults";
import { archiveProblems, pathProblems, repositoryProblem } from "./contentRules";
import { optionProblems, scheduleProblems } from "./optionRules";

/** Validates arguments against each other. Contacts nothing. */
export async function rules(
  inputs: Partial<BackupJobInputs>,
  unknown: ReadonlySet<string>,
  context: { name: string },
): Promise<Failure[]> {
  const { JOB_NAME } = await import("../../machine/plan/names.js");
  const { name = context.name, user, connection, passphrase, privateKey, repository, repositoryHostKeys } = inputs;
  const problems: Problem[] = [];
  const add = (property: string, reason: string | undefined) => reason && problems.push({ property, reason });
  if (!unknown.has("name")) add("name", nameProblem(name, JOB_NAME, inputs.name === undefined));
  if (user !== undefined && !/^[A-Za-z_][A-Za-z0-9_-]{0,31}$/.test(user)) add("user", "must be the name of an account");
  if (typeof connection === "object") add("connection", await machineProblems(connection, inputs, unknown));
  if (passphrase !== undefined && /[\r\n\0]/.test(passphrase)) add("passphrase", "must be one line");
  if (privateKey !== undefined) add("privateKey", await privateKeyProblem(privateKey));
  if (repository !== undefined) {
    add("repository", repositoryProblem(repository));
    const isRemote = repository.startsWith("ssh://");
    const isGiven = (repositoryHostKeys ?? []).length > 0 || unknown.has("repositoryHostKeys");
    if (isRemote && !isGiven) {
      add("repositoryHostKeys", "is required for an ssh:// repository: give the server of the Repo, or fingerprints");
    }
    if (isRemote && repositoryHostKeys !== undefined) {
      add("repositoryHostKeys", await hostKeysProblem(repository, repositoryHostKeys));
    }
  }
  return [
    ...problems,
    ...pathProblems(inputs, unknown),
    ...archiveProblems(inputs, unknown),
    ...(await scheduleProblems(inputs)),
    ...(await optionProblems(inputs)),
  ];
}

function nameProblem(name: string, pattern: RegExp, isDefault: boolean): string | undefined {
  if (pattern.test(name) && !name.startsWith("lock-")) return undefined;
  const what = isDefault
    ? `is the resource's own, "${name}", which cannot name files and units: give a name of`
    : "must be";
  return `${what} lower-case letters, digits, - and _, at most 40, beginning with a letter or digit, not with lock-`;
}

/** The problems of a connection in one reason, without its values. */
async function machineProblems(
  connection: RemoteMachine,
  { become }: Partial<BackupJobInputs>,
  unknown: ReadonlySet<string>,
): Promise<string | undefined> {
  const [{ addressProblems }, { credentialProblems }, { hostKeyProblem }, { jumpProblems }] = await Promise.all([
    import("../../ssh/connection/address.js"),
    import("../../ssh/connection/credentials.js"),
    import("../../ssh/connection/hostKeys.js"),
    import("../../ssh/connection/jumps.js"),
  ]);
  const { host, port = DEFAULT_PORT, username, privateKey, passphrase, password, passwordEnv, agent } = connection;
  const reasons = [...addressProblems({ host, port, username }), ...credentialProblems({ privateKey, passphrase })].map(
    ({ property, reason }) => `${property} ${reason}`,
  );
  const hostKey = connection.hostKey && hostKeyProblem(host, port, { hostKey: connection.hostKey });
  if (hostKey) reasons.push(hostKey);
  reasons.push(...jumpProblems(connection.proxyJump).map(({ reason }) => reason));
  if (!privateKey && !password && !passwordEnv && !agent) {
    reasons.push("has no way in: give privateKey, password, passwordEnv or agent");
  }
  if (username !== "root" && become !== "sudo" && !unknown.has("become")) {
    reasons.push(`logs in as ${username}, and a job needs root: set become: "sudo"`);
  }
  return reasons.length > 0 ? reasons.join("; ") : undefined;
}

async function privateKeyProblem(privateKey: string): Promise<string | undefined> {
  const { credentialProblems } = await import("../../ssh/connection/credentials.js");
  const [problem] = credentialProblems({ privateKey });
  if (problem?.property === "passphrase")
    return "needs a passphrase, and nobody types one for a backup: give it without";
  if (problem !== undefined) return problem.reason;
  const isReadable = /-----BEGIN (OPENSSH|RSA|EC) PRIVATE KEY-----/.test(privateKey);
  return isReadable ? undefined : "is not in OpenSSH form: import it with a KeyPair, whose privateKey is";
}

async function hostKeysProblem(repository: string, entries: string[]): Promise<string | undefined> {
  const { hostKeyProblem } = await import("../../ssh/connection/hostKeys.js");
  const url = URL.canParse(repository) ? new URL(repository) : undefined;
  if (url === undefined || entries.length === 0) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return hostKeyProblem(host, Number(url.port) || DEFAULT_PORT, { hostKey: entries })?.replace(/^hostKey: /, "");
}
