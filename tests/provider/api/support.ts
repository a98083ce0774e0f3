import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Emulator, startEmulator, type TokenLevel } from "../../../emulator";
import { type Api, type ApiOptions, connect } from "../../../provider/api";
import { type ErrorKind, ProviderError } from "../../../provider/errors";
import { generate } from "../../../provider/ssh/keys";

export const TOKEN = "a-token-that-nobody-may-see";

/** Several tries within a tenth of a second. */
export const IMPATIENT: ApiOptions = { timeout: 2_000, retry: { baseDelay: 4, maxDelay: 16, maxElapsed: 100 } };
/** Enough tries for a few faults. */
export const PATIENT: ApiOptions = { timeout: 3_000, retry: { baseDelay: 2, maxDelay: 8, maxElapsed: 30_000 } };

export interface Reply {
  /** Default 200. */
  status?: number;
  /** JSON, or a text sent unchanged. */
  body: unknown;
  headers?: Record<string, string>;
}

/** A server that sends its replies in order, repeats the last one, and records the requests. */
async function serve(...replies: (Reply | ((response: ServerResponse) => void))[]) {
  const requests: { authorization: string | undefined; body: string }[] = [];
  const server = createServer(async (request, response) => {
    requests.push({ authorization: request.headers.authorization, body: await textOf(request) });
    const reply = replies[Math.min(requests.length, replies.length) - 1] as (typeof replies)[0];
    if (typeof reply === "function") return reply(response);
    const body = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body);
    response.writeHead(reply.status ?? 200, { "content-type": "application/json", ...reply.headers }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  const close = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return { endpoint, requests, close };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

/** The result of `work` against a server with these replies, and the number of requests. */
export async function withServer<T>(
  replies: Parameters<typeof serve>,
  work: (api: Api, server: Awaited<ReturnType<typeof serve>>) => Promise<T>,
  options: ApiOptions = IMPATIENT,
  token = TOKEN,
): Promise<{ result: T; asked: number }> {
  const server = await serve(...replies);
  try {
    const api = connect({ endpoint: server.endpoint, token, tokenSource: "given" }, options);
    return { result: await work(api, server), asked: server.requests.length };
  } finally {
    await server.close();
  }
}

/** A test with a separate emulator. */
export function withEmulator(
  work: (emulator: Emulator) => Promise<void>,
  options: Parameters<typeof startEmulator>[0] = {},
): () => Promise<void> {
  return async () => {
    const emulator = await startEmulator(options);
    try {
      await work(emulator);
    } finally {
      await emulator.close();
    }
  };
}

/** A client of the emulator's first account. */
export function clientOf(emulator: Emulator, level: TokenLevel = "fullAccess", options: ApiOptions = PATIENT): Api {
  const token = (emulator.accounts[0] as Emulator["accounts"][0]).tokens[level];
  return connect({ endpoint: emulator.endpoint, token, tokenSource: "given" }, options);
}

/** The message of the expected failure: of this kind, on one line, without the token. */
export async function failure(operation: Promise<unknown>, kind: ErrorKind): Promise<string> {
  const error = await operation.then(
    (result) => assert.fail(`it succeeded with ${JSON.stringify(result)}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ProviderError, `an unexpected ${error instanceof Error ? error.stack : error}`);
  assert.equal(error.kind, kind, error.message);
  assert.doesNotMatch(error.message, /[\r\n]/);
  assert.ok(!error.message.includes(TOKEN), `the token is in ${error.message}`);
  return error.message;
}

/** The public line of a new key. */
export async function newKey(): Promise<string> {
  return (await generate()).publicKey;
}
