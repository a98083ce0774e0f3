/** Streams to a host: a socket, or a channel through a jump host. */

import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect as connectSocket, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { SshError } from "../error";
import type { Connection } from "./connection";
import type { Deadline } from "./deadline";
import type { Endpoint } from "./resolveTarget";

export interface IpAddress {
  address: string;
  family: number;
}

/** The route to a host: its IP addresses, or a connection to a jump host. */
export type Route = { addresses: IpAddress[] } | { via: Connection; name: string };

/** @throws SshError `resolve`, `timeout` */
export async function lookUp(host: string, deadline: Deadline): Promise<IpAddress[]> {
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

/** @throws SshError `connect`, `session` (the jump host forbids forwarding), `timeout` */
export function dial(endpoint: Endpoint, route: Route, deadline: Deadline): Promise<Duplex> {
  return "via" in route
    ? openChannel(endpoint, route.via, route.name, deadline)
    : openSocket(endpoint, route.addresses, deadline);
}

async function openSocket(endpoint: Endpoint, addresses: IpAddress[], deadline: Deadline): Promise<Socket> {
  const socket = connectSocket({
    host: endpoint.host,
    port: endpoint.port,
    noDelay: true,
    autoSelectFamily: true,
    lookup: (_host, options, done) => {
      const [first] = addresses;
      if (options.all) done(null, addresses);
      else done(null, first?.address ?? "", first?.family);
    },
  });
  try {
    await deadline.wait(once(socket, "connect"));
    return socket;
  } catch (error) {
    socket.destroy();
    throw error instanceof SshError ? error : unreachable(endpoint.address, error);
  }
}

function unreachable(address: string, error: unknown): SshError {
  const causes = error instanceof AggregateError ? error.errors : [error];
  const reasons = new Set(causes.map((cause) => SOCKET_ERRORS[codeOf(cause)] ?? codeOf(cause)));
  const text = `cannot connect to ${address}: ${[...reasons].join("; ")}`;
  return new SshError("connect", text, { phase: "connect", property: "host", cause: error });
}

const SOCKET_ERRORS: Record<string, string> = {
  ECONNREFUSED: "nothing listens there (connection refused)",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to its network",
  ETIMEDOUT: "it does not answer",
  ECONNRESET: "the connection was reset",
  EACCES: "this machine forbids the connection",
};

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** @param name the jump host's name for messages */
async function openChannel(endpoint: Endpoint, via: Connection, name: string, deadline: Deadline): Promise<Duplex> {
  const { host, port, address } = endpoint;
  const client = via.ssh.connection;
  if (client === null) throw new SshError("session", `the connection to ${name} was lost`, { phase: "session" });
  const opened = new Promise<Duplex>((resolve, reject) => {
    client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
  try {
    const stream = await deadline.wait(opened, () => via.socket.destroy());
    stream.on("error", () => {});
    // A host that hangs up ends its half of the channel only.
    stream.once("end", () => stream.destroy());
    return stream;
  } catch (error) {
    if (error instanceof SshError) throw error;
    const reply = error instanceof Error ? error.message.replace(/^\(SSH\) Channel open failure: /, "") : String(error);
    // RFC 4254 §5.1: 1 is "administratively prohibited".
    const { reason } = error as { reason?: number | string };
    const forbidden = reason === 1 || reason === "ADMINISTRATIVELY_PROHIBITED";
    const text = forbidden
      ? `${name} lets nothing through to ${address} (it said: ${reply}); sshd_config(5) has AllowTcpForwarding and PermitOpen`
      : `${name} cannot connect to ${address} (it said: ${reply})`;
    const phase = forbidden ? "session" : "connect";
    throw new SshError(forbidden ? "session" : "connect", text, { phase, property: "proxyJump", cause: error });
  }
}
