import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { SshError } from "../error";
import { type Address, ALGORITHMS, Attempt, type Connection, CutOff, codeOf, Dropped, type Route } from "./attempt";
import type { Deadline } from "./deadline";
import { inTurn } from "./exclusive";
import { hostAndPort, pinnedTypes } from "./hostKeys";
import { atHop, checkTarget, hopsOf, nameOfHop, targetOfHop } from "./jumps";
import { Login } from "./login";
import { portOf, type Target } from "./target";

export type { Connection } from "./attempt";

// sshd drops connections at random once 10 are not logged in yet (sshd_config(5), MaxStartups).
const HANDSHAKES_PER_HOST = 4;

/**
 * Resolves, connects, verifies the host and logs in, in this order, at each hop and then at the host; nothing secret is
 * sent to any of them before it is verified. On any failure everything is closed.
 * @throws SshError of every kind but those of files
 */
export async function connect(target: Target, deadline: Deadline): Promise<Connection> {
  checkTarget(target);
  // Before any contact: an entry of hostKey that cannot be read.
  pinnedTypes(target.host, portOf(target), target);
  let via: Connection | undefined;
  let name = "";
  try {
    for (const [index, hop] of hopsOf(target.proxyJump).entries()) {
      const before = via && { via, name };
      name = nameOfHop(target.proxyJump, index);
      via = await reach(targetOfHop(hop), deadline, before).catch((error) => {
        throw atHop(name, error);
      });
    }
    return await reach(target, deadline, via && { via, name });
  } catch (error) {
    via?.close();
    throw error;
  }
}

async function reach(target: Target, deadline: Deadline, through: Route | undefined): Promise<Connection> {
  const address = hostAndPort(target.host, portOf(target));
  deadline.who = address;
  const route = through ?? { addresses: await resolve(target.host, deadline) };
  const place = "name" in route ? `${address} through ${route.name}` : address;
  return inTurn(`handshake ${place}`, HANDSHAKES_PER_HOST, deadline, () => verifyAndLogin(target, deadline, route));
}

async function verifyAndLogin(target: Target, deadline: Deadline, route: Route): Promise<Connection> {
  const pinned = pinnedTypes(target.host, portOf(target), target);
  const login = new Login(target, hostAndPort(target.host, portOf(target)), deadline);
  let types = Object.keys(ALGORITHMS).filter((type) => pinned === undefined || pinned.includes(type));
  if (types.length === 0) types = Object.keys(ALGORITHMS);
  let refusal: unknown;
  // A bare fingerprint does not say which of the host's keys it is of: ask for one type after the other.
  while (types.length > 0) {
    const attempt = new Attempt(target, deadline, login, types);
    try {
      return await retryDropped(() => attempt.open(route), deadline);
    } catch (error) {
      const seen = attempt.seen?.type;
      if (error instanceof CutOff && seen !== undefined) {
        types = [seen];
        continue;
      }
      if (refusal !== undefined && seen === undefined) throw refusal;
      refusal ??= error;
      const another = error instanceof SshError && error.kind === "hostKey" && pinned === undefined && target.hostKey;
      if (!another || seen === undefined) throw refusal;
      types = types.filter((type) => type !== seen);
    }
  }
  throw refusal;
}

async function resolve(host: string, deadline: Deadline): Promise<Address[]> {
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  deadline.phase = "resolve";
  try {
    return await deadline.wait(lookup(host, { all: true }));
  } catch (error) {
    if (error instanceof SshError) throw error;
    const unknown = /ENOTFOUND|ENODATA/.test(codeOf(error));
    const text = unknown ? "is known to no name server" : `could not be looked up (${codeOf(error) || "no answer"})`;
    throw new SshError("resolve", `the host name ${host} ${text}`, {
      phase: "resolve",
      property: "host",
      cause: error,
    });
  }
}

async function retryDropped<T>(open: () => Promise<T>, deadline: Deadline): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof Dropped) || attempt === 5) throw error;
      await deadline.wait(delay(Math.random() * 200 * 2 ** attempt));
    }
  }
}
