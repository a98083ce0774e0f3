import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";

/** Forwards connections to a local port, and cuts each after a number of bytes to the server. */
export class CuttingProxy {
  port = 0;
  /** The number of bytes to the server before the cut, for the next connections. */
  limit = Number.POSITIVE_INFINITY;
  /** The bytes that the last connection sent to the server. */
  sent = 0;
  readonly #server: Server;

  constructor(target: number) {
    this.#server = createServer((client) => {
      const limit = this.limit;
      let sent = 0;
      const server = connect(target, "127.0.0.1");
      const cut = () => {
        client.resetAndDestroy();
        server.destroy();
      };
      client.on("error", cut).on("close", cut);
      server.on("error", cut).on("close", cut);
      server.on("data", (chunk) => client.write(chunk));
      client.on("data", (chunk) => {
        const part = chunk.subarray(0, limit - sent);
        sent += part.length;
        this.sent = sent;
        server.write(part, () => sent >= limit && cut());
      });
    });
  }

  async start(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    this.port = address.port;
    return this;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
