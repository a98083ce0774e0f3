import { readFileSync } from "node:fs";
import { createServer, type Server as NetServer } from "node:net";
import { join } from "node:path";
import { type TestAccount, TestHost } from "../../../provider/ssh/support/accounts";
import { Sshd } from "../../../provider/ssh/support/sshd";
import type { Answer, Server } from "../support";

/** Real accounts behind a real SSH server, with a new account for each test. */
export class Hosts {
  account!: TestAccount;

  private constructor(
    private readonly given: () => Server,
    readonly host: TestHost,
    readonly sshd: Sshd,
  ) {}

  static async start(given: () => Server): Promise<Hosts> {
    const host = new TestHost();
    return new Hosts(given, host, await Sshd.start(host));
  }

  next(): void {
    this.account = this.host.account();
  }

  target(of: TestAccount = this.account, server: Sshd = this.sshd) {
    return { host: "127.0.0.1", port: server.port, username: of.username };
  }

  /** Lines of the account's authorized_keys. */
  lines(of: TestAccount = this.account): string[] {
    return readFileSync(join(of.home, ".ssh", "authorized_keys"), "utf8")
      .trim()
      .split("\n");
  }

  /** Makes the system key, and deploys it. */
  async deploy(more: Record<string, unknown> = {}, of = this.account): Promise<Answer> {
    const { id } = await this.given().systemKey();
    return this.given().post(`/api/ssh-keys/${id}/deploy`, { ...this.target(of), password: of.password, ...more });
  }

  /** Ids of a deployed connection and its key. */
  async deployed(): Promise<{ id: number; key: number }> {
    const { connection } = (await this.deploy()).body;
    const [{ ssh_key_id }] = await this.given().connections();
    return { id: connection.id, key: ssh_key_id };
  }

  async close(): Promise<void> {
    await this.sshd.stop();
    this.host.remove();
  }
}

/** A server that accepts connections and says nothing. */
export async function silentServer(): Promise<{ port: number; close(): void }> {
  const sockets = new Set<{ destroy(): void }>();
  const server: NetServer = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
