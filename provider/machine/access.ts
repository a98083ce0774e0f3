import { ProviderError } from "../errors";
import type { BackupJobInputs } from "../schema/backupJob";
import type { RemoteMachine } from "../schema/backupJobTypes";
import type { Target } from "../ssh/connection/target";
import type { Machine } from "./host/machine";

type Access = Pick<BackupJobInputs, "connection" | "become" | "sudoPassword">;

/**
 * Runs `work` on the machine that the arguments name, one operation of this process at a time per machine: package
 * managers hold locks, and systemd is reloaded.
 * @param pinned fingerprint that the state has seen, for a connection without `hostKey`
 */
export function onMachine<T>(
  access: Access,
  pinned: string | undefined,
  work: (machine: Machine) => Promise<T>,
): Promise<T> {
  const { connection } = access;
  const machine = connection === "local" ? "local" : `${connection.host}:${connection.port}`;
  return inTurn(machine, () => observingMachine(access, pinned, work));
}

/** The same without a turn: an observation disturbs nobody. */
export async function observingMachine<T>(
  { connection, become, sudoPassword }: Access,
  pinned: string | undefined,
  work: (machine: Machine) => Promise<T>,
): Promise<T> {
  const root = { sudo: become === "sudo", password: sudoPassword || undefined };
  if (connection === "local") {
    const { localMachine } = await import("./host/local.js");
    return work(localMachine(root));
  }
  const { onRemoteMachine } = await import("./host/remote.js");
  return onRemoteMachine(targetOf(connection, pinned), root, work);
}

function targetOf(machine: RemoteMachine, pinned: string | undefined): Target {
  const { host, port, username, privateKey, passphrase, password, passwordEnv, agent, proxyJump, timeout } = machine;
  const fromEnvironment = passwordEnv === undefined ? undefined : process.env[passwordEnv];
  const credentials = [
    { privateKey, passphrase },
    { agent: agent || undefined },
    { password: password ?? fromEnvironment },
  ].filter((each) => Object.values(each).some(Boolean));
  if (credentials.length === 0 && passwordEnv !== undefined) {
    throw new ProviderError(
      "input",
      `There is no way into ${username}@${host}: the environment variable ${passwordEnv} (passwordEnv) is not set.`,
    );
  }
  const hostKey = machine.hostKey ?? pinned;
  return {
    host,
    port,
    username,
    ...(hostKey === undefined ? { trustOnFirstUse: machine.trustOnFirstUse ?? false } : { hostKey }),
    credentials,
    proxyJump,
    timeout,
  };
}

const turns = new Map<string, Promise<unknown>>();

/** Waits without a limit: packages of another job may take minutes. */
async function inTurn<T>(machine: string, work: () => Promise<T>): Promise<T> {
  const before = turns.get(machine) ?? Promise.resolve();
  const mine = before.then(work, work);
  turns.set(machine, mine);
  try {
    return await mine;
  } finally {
    if (turns.get(machine) === mine) turns.delete(machine);
  }
}
