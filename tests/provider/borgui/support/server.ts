import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { BorgUiConfig } from "../../../../provider/borgui/config";
import type { RequestOptions } from "../../../../provider/remote/requests";

export const PASSWORD = "a-password-that-nobody-may-see";
export const SESSION = "a-session-token-that-nobody-may-see";

/** Several tries within a tenth of a second. */
export const IMPATIENT: RequestOptions = { retry: { baseDelay: 4, maxDelay: 16, maxElapsed: 100 } };

export interface Reply {
  /** Default 200. */
  status?: number;
  /** JSON, or a text sent unchanged. */
  body: unknown;
  headers?: Record<string, string>;
}

export interface Received {
  /** `GET /api/ssh-keys` */
  line: string;
  headers: IncomingMessage["headers"];
  body: string;
}

type Handler = Reply | ((received: Received, response: ServerResponse) => Reply | undefined);

const LOGIN: Reply = { body: { access_token: SESSION, token_type: "bearer", expires_in: 86400 } };

/** A server with a reply per request line, for shapes and faults that no emulator has. Logs everybody in. */
export class ScriptedServer {
  readonly received: Received[] = [];

  private constructor(
    readonly url: string,
    readonly close: () => Promise<void>,
  ) {}

  static async start(replies: Record<string, Handler>): Promise<ScriptedServer> {
    const all: Record<string, Handler> = {
      "POST /api/auth/login": LOGIN,
      "POST /api/auth/refresh": LOGIN,
      ...replies,
    };
    const server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const received = { line: `${request.method} ${request.url}`, headers: request.headers, body };
      started.received.push(received);
      const handler = all[received.line] ?? { status: 404, body: { detail: "Not Found" } };
      const reply = typeof handler === "function" ? handler(received, response) : handler;
      if (reply === undefined) return;
      const text = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body);
      response.writeHead(reply.status ?? 200, { "content-type": "application/json", ...reply.headers }).end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const close = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    const started = new ScriptedServer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, close);
    return started;
  }

  get lines(): string[] {
    return this.received.map(({ line }) => line);
  }

  get config(): BorgUiConfig {
    return { url: this.url, login: { source: "given", username: "admin", password: PASSWORD } };
  }
}
