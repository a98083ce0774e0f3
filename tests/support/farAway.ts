import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A port in front of a local server, with the latency of another country. It counts what a network would notice. */
export class FarAway {
  /** Connections that clients opened. */
  connections = 0;
  /** Times that a client waited for an answer. */
  roundTrips = 0;
  readonly #sockets = new Set<Socket>();

  /** Connections of all such ports that are open now, and that were at most. */
  static open = 0;
  static mostAtOnce = 0;

  readonly port: number;

  private constructor(
    private readonly server: Server,
    /** Port to which new connections lead. */
    public target: number,
    private readonly latency: number,
  ) {
    this.port = (server.address() as AddressInfo).port;
  }

  /** @param latency one-way, in milliseconds */
  static async start(target: number, latency = 0): Promise<FarAway> {
    const server = createServer({ noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const made = new FarAway(server, target, latency);
    server.on("connection", (client) => made.#serve(client));
    return made;
  }

  /** Forgets what it has counted. */
  reset(): void {
    this.connections = 0;
    this.roundTrips = 0;
  }

  /** From now on nothing listens there. */
  close(): void {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(client: Socket): void {
    this.connections += 1;
    FarAway.open += 1;
    FarAway.mostAtOnce = Math.max(FarAway.mostAtOnce, FarAway.open);
    client.once("close", () => {
      FarAway.open -= 1;
    });
    const far = connect({ port: this.target, host: "127.0.0.1", noDelay: true });
    let answered = true;
    client.on("data", () => {
      if (answered) this.roundTrips += 1;
      answered = false;
    });
    far.on("data", () => {
      answered = true;
    });
    for (const [from, to] of [
      [client, far],
      [far, client],
    ] as const) {
      this.#sockets.add(from);
      from.on("data", (chunk) => setTimeout(() => to.write(chunk), this.latency));
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        setTimeout(() => to.destroy(), this.latency);
      });
    }
  }
}
