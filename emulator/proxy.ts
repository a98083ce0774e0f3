import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Duplex } from "node:stream";
import type { Certificate } from "./certificate";

/** Host names of the API and of the repositories. */
export const PROXY_NAMES = ["api.borgbase.com", "*.repo.borgbase.com"];

const TARGET = /^(?:api|[a-z0-9-]+\.repo)\.borgbase\.com:443$/i;

/** The repository whose own host name a client uses, as restic does in `rest:https://ID:PASSWORD@ID.repo.borgbase.com/`. */
export function repoOfHost(host: string | undefined): string | undefined {
  return /^([a-z0-9]{8})\.repo\.borgbase\.com(?::\d+)?$/i.exec(host ?? "")?.[1]?.toLowerCase();
}

/**
 * Makes a server the HTTPS proxy (`HTTPS_PROXY`) of clients that use BorgBase's own host names. The server answers for these
 * names itself and rejects any other: it is no open proxy.
 *
 * @returns a function that closes all tunnels.
 */
export function serveProxy(server: Server, { key, cert }: Certificate): () => void {
  const secure = createServer({ key, cert }, (request: IncomingMessage, response: ServerResponse) => {
    server.emit("request", request, response);
  });
  secure.keepAliveTimeout = server.keepAliveTimeout;
  // A client that does not trust the certificate hangs up.
  secure.on("tlsClientError", () => {});
  const tunnels = new Set<Duplex>();

  server.on("connect", ({ url }: IncomingMessage, socket: Duplex, head: Buffer) => {
    tunnels.add(socket);
    socket.once("close", () => tunnels.delete(socket)).on("error", () => socket.destroy());
    if (!TARGET.test(url ?? "")) {
      const line = "The emulator's proxy leads to api.borgbase.com:443 and *.repo.borgbase.com:443 only.\n";
      const headers = `Content-Type: text/plain\r\nContent-Length: ${line.length}\r\nConnection: close`;
      socket.end(`HTTP/1.1 403 Forbidden\r\n${headers}\r\n\r\n${line}`);
      return;
    }
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    if (head.length > 0) socket.unshift(head);
    secure.emit("connection", socket);
  });
  return () => {
    for (const tunnel of tunnels) tunnel.destroy();
  };
}
