import { setTimeout as delay } from "node:timers/promises";
import { SshError } from "../error";
import { ALGORITHMS, Attempt, AuthenticationCutOff, ConnectionDropped } from "./attempt";
import type { Connection } from "./connection";
import type { Deadline } from "./deadline";
import { lookUp, type Route } from "./dial";
import { runExclusive } from "./exclusive";
import { pinnedTypes } from "./hostKeys";
import { withHopContext } from "./jumps";
import { Login } from "./login";
import type { Endpoint, ResolvedTarget } from "./resolveTarget";

// sshd drops connections at random above 10 unauthenticated ones (sshd_config(5), MaxStartups).
const HANDSHAKES_PER_HOST = 4;
const DROPPED_ATTEMPTS = 5;

/**
 * Resolves, connects, verifies the host and logs in, in this order, at each jump host and then at the target.
 * No host receives a secret before its key is verified. Any failure closes every connection.
 * @throws SshError of every kind but those of files
 */
export async function connect(target: ResolvedTarget, deadline: Deadline): Promise<Connection> {
  let via: Connection | undefined;
  let name = "";
  try {
    for (const hop of target.hops) {
      const before = via && { via, name };
      name = hop.name;
      via = await reach(hop, deadline, before).catch((error) => {
        throw withHopContext(hop.name, error);
      });
    }
    return await reach(target, deadline, via && { via, name });
  } catch (error) {
    via?.close();
    throw error;
  }
}

async function reach(endpoint: Endpoint, deadline: Deadline, through: Route | undefined): Promise<Connection> {
  const { host, address } = endpoint;
  deadline.address = address;
  const route = through ?? { addresses: await lookUp(host, deadline) };
  const queue = "name" in route ? `${address} through ${route.name}` : address;
  return runExclusive(`handshake ${queue}`, HANDSHAKES_PER_HOST, deadline, () =>
    verifyAndLogIn(endpoint, deadline, route),
  );
}

async function verifyAndLogIn(endpoint: Endpoint, deadline: Deadline, route: Route): Promise<Connection> {
  const pinned = pinnedTypes(endpoint.hostKeys);
  const login = new Login(endpoint, deadline);
  let types = Object.keys(ALGORITHMS).filter((type) => pinned === undefined || pinned.includes(type));
  if (types.length === 0) types = Object.keys(ALGORITHMS);
  let refusal: unknown;
  // A bare fingerprint leaves the type of its host key open: request one type after the other.
  while (types.length > 0) {
    const attempt = new Attempt(endpoint, deadline, login, types);
    try {
      return await retryDropped(() => attempt.open(route), deadline);
    } catch (error) {
      const presented = attempt.presented?.type;
      if (error instanceof AuthenticationCutOff && presented !== undefined) {
        types = [presented];
        continue;
      }
      if (refusal !== undefined && presented === undefined) throw refusal;
      refusal ??= error;
      const isRefusedKey = error instanceof SshError && error.kind === "hostKey";
      const mayHaveAnother = isRefusedKey && pinned === undefined && endpoint.hostKeys.pins !== undefined;
      if (!mayHaveAnother || presented === undefined) throw refusal;
      types = types.filter((type) => type !== presented);
    }
  }
  throw refusal;
}

async function retryDropped<T>(open: () => Promise<T>, deadline: Deadline): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof ConnectionDropped) || attempt === DROPPED_ATTEMPTS) throw error;
      await deadline.wait(delay(Math.random() * 200 * 2 ** attempt));
    }
  }
}
