import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { isAllowedHost } from "./allowedHost";
import { type Api, type Caller, htmlReply, json, type Reply } from "./api";
import type { Context } from "./context";
import { executesFirst, type Fault, type Faults } from "./faults";
import { type GraphqlRequest, readGraphql, requestUrl } from "./graphqlRequest";
import { graphiqlPage, type PageAccount, type PageReply, pageAccounts } from "./page";
import { repoOfHost } from "./proxy";
import { type RequestLog, redacted } from "./requestLog";
import { rootFields } from "./schema";
import type { RootField } from "./tokens";

const MAX_BODY_BYTES = 10_000_000;

export interface HttpOptions {
  context: Context;
  api: Api;
  faults: Faults;
  requests: RequestLog;
  /** Delay in ms between the execution of a request and its response. */
  latency: () => number;
  /** The accounts with their present tokens, for the page's choice. */
  accounts: () => PageAccount[];
  /** Handler of the paths below /control/, called with a name and a JSON body; null without `--control`. */
  control: ((name: string, body: unknown) => unknown) | null;
  /** Host names, besides those of loopback, under which /control/ may be called. */
  allowedHosts: readonly string[];
  /** Handler of all other paths: restic's REST protocol. False, without a response, for a path outside every repository. */
  restic: ((request: IncomingMessage, response: ServerResponse) => Promise<boolean>) | null;
  /** One line per request, without secrets. */
  log: (line: string) => void;
}

/** The HTTP server: `/graphql`, `/control/…` and, under a repository's id, restic. */
export function createHttpServer(options: HttpOptions): Server {
  const server = createServer((request, response) => {
    response.setHeader("Date", options.context.clock.now().toUTCString());
    const repo = repoOfHost(request.headers.host);
    if (repo !== undefined) request.url = `/${repo}${request.url}`;
    const url = requestUrl(request);
    if (!url) return send(response, htmlReply(400, "Bad Request"));
    const path = url.pathname;
    const handled =
      path === "/graphql" || path === "/graphql/"
        ? graphql(options, url, request, response)
        : path === "/graphql/accounts"
          ? send(response, pageAccounts(request, options.accounts(), options.allowedHosts))
          : path.startsWith("/control/")
            ? control(options, path.slice("/control/".length), request, response)
            : redirectOrRestic(options, path, request, response);
    // The client receives an unexpected error as a response, and the emulator keeps running.
    Promise.resolve(handled).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, json(500, { errors: [{ message: error instanceof Error ? error.message : String(error) }] }));
    });
  });
  // Longer than clients keep an idle connection: otherwise the server may close one while a request is under way.
  server.keepAliveTimeout = 65_000;
  server.on("connection", () => options.requests.connected());
  return server;
}

async function graphql(
  options: HttpOptions,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { api, faults, requests, context } = options;
  if (wantsPage(request, url)) return send(response, graphiqlPage(request));
  requests.begin();
  response.once("close", () => requests.end());
  const started = performance.now();
  const body = await readBody(request);
  const parsed =
    body === null
      ? json(413, { errors: [{ message: "The request is too large." }] })
      : await readGraphql(request, url, body);
  const isRequest = "query" in parsed;
  const checked = isRequest ? api.check(parsed.query) : null;
  const fields =
    isRequest && checked?.errors === undefined && checked ? rootFields(checked.document, parsed.operationName) : [];
  requests.received(body?.length ?? 0, fields);

  const fault = faults.next(fields.map((field) => field.name));
  let caller = api.caller(request.headers.authorization, request.headers.cookie);
  if (fault?.kind === "expire" && caller.token) {
    caller.token.expiresAt = context.clock.now().toISOString();
    context.store.saveTokens();
    caller = api.caller(request.headers.authorization, request.headers.cookie);
  }
  const answer = async (): Promise<Reply> => {
    if (!isRequest || !checked) return parsed as Reply;
    if (request.method === "GET" && fields.some((field) => field.kind === "mutation")) {
      const message = "Can only perform a mutation operation from a POST request.";
      return { ...json(405, { errors: [{ message }] }), headers: { Allow: "POST" } };
    }
    const refusal = api.refusal(caller, fields);
    if (refusal) return refusal;
    const reply = await api.run(parsed, checked, caller);
    // An acknowledged change must survive a `kill -9`.
    if (fields.some((field) => field.kind === "mutation")) await context.store.commit();
    return reply;
  };
  const reply = fault && !executesFirst(fault) ? null : await answer();
  if (options.latency() > 0) await delay(options.latency());
  const sent = fault
    ? await answerWithFault(fault, reply, response, requests)
    : reply && sendCounted(response, reply, requests);
  logRequest(
    options,
    { caller, fields, reply: sent || null, fault, ms: performance.now() - started },
    isRequest ? parsed : null,
  );
}

interface Outcome {
  caller: Caller;
  fields: RootField[];
  reply: Reply | null;
  fault: Fault | undefined;
  ms: number;
}

function logRequest({ context, requests, log }: HttpOptions, outcome: Outcome, request: GraphqlRequest | null): void {
  const { caller, fields, reply, fault } = outcome;
  const operations = fields.map((field) => field.name);
  const secrets = new Set(context.store.tokens.map((token) => token.secret));
  const errors = reply ? errorMessages(reply.body) : [];
  const ms = Math.round(outcome.ms * 10) / 10;
  requests.add({
    at: context.clock.now().toISOString(),
    account: caller.account?.email ?? null,
    level: caller.level,
    operations,
    variables: redacted(request?.variables ?? {}, secrets),
    status: reply?.status ?? null,
    errors,
    fault: fault?.kind ?? null,
    ms,
  });
  const who = caller.account ? `${caller.account.email} ${caller.level}` : caller.refused ? "bad token" : "anonymous";
  const what = operations.join(" ") || "no operation";
  const messages = errors.slice(0, 5).map((text) => ` · ${oneLine(text)}`);
  log(
    `${oneLine(what)} ${reply?.status ?? "no answer"} ${ms} ms ${who}${fault ? ` [${fault.kind}]` : ""}${messages.join("")}`,
  );
}

/** Messages quote input of clients, which must neither start a new line of the log nor fill the terminal. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are replaced here
  return text.slice(0, 500).replace(/[\0-\x1f\x7f]+/g, " ");
}

function errorMessages(body: string): string[] {
  if (!body.includes('"errors"')) return [];
  try {
    const { errors } = JSON.parse(body) as { errors?: { message?: string }[] };
    return (errors ?? []).map((error) => String(error.message));
  } catch {
    return [];
  }
}

/** Applies a fault. Returns the response that the client received; null for none. */
async function answerWithFault(
  fault: Fault,
  reply: Reply | null,
  response: ServerResponse,
  requests: RequestLog,
): Promise<Reply | null> {
  switch (fault.kind) {
    case "reset":
    case "lost":
      response.socket?.resetAndDestroy();
      return null;
    case "silence":
      return null;
    case "status": {
      const page = htmlReply(fault.status, "from a proxy");
      const headers = fault.retryAfter === undefined ? undefined : { "Retry-After": fault.retryAfter };
      return sendCounted(response, { ...page, headers }, requests);
    }
    case "foreign":
      return sendCounted(response, json(200, { status: "ok" }), requests);
    case "truncated":
      return reply && sendCounted(response, { ...reply, body: reply.body.slice(0, reply.body.length / 2) }, requests);
    case "errors": {
      if (!reply) return null;
      const content = JSON.parse(reply.body) as { errors?: unknown[] };
      const errors = [...(content.errors ?? []), { message: fault.message }];
      return sendCounted(response, { ...reply, body: JSON.stringify({ ...content, errors }) }, requests);
    }
    case "slow":
      return reply && sendSlowly(response, reply, fault.bytesPerSecond, requests);
    case "expire":
      return reply && sendCounted(response, reply, requests);
  }
}

async function sendSlowly(response: ServerResponse, reply: Reply, bytesPerSecond: number, requests: RequestLog) {
  const bytes = Buffer.from(reply.body);
  response.writeHead(reply.status, { "Content-Type": reply.type, "Content-Length": bytes.length });
  for (const byte of bytes) {
    if (response.destroyed) break;
    response.write(Uint8Array.of(byte));
    requests.sent(1);
    await delay(1000 / bytesPerSecond);
  }
  response.end();
  return reply;
}

function sendCounted(response: ServerResponse, reply: Reply, requests: RequestLog): Reply {
  requests.sent(Buffer.byteLength(reply.body));
  send(response, reply);
  return reply;
}

function send(response: ServerResponse, { status, type, body, headers }: PageReply): void {
  response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body), ...headers });
  response.end(body);
}

function wantsPage(request: IncomingMessage, url: URL): boolean {
  return request.method === "GET" && !url.searchParams.has("query") && !!request.headers.accept?.includes("text/html");
}

/** The body; null above {@link MAX_BODY_BYTES}. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return size > MAX_BODY_BYTES ? null : Buffer.concat(chunks);
}

/** JSON only: a browser sends it to another origin only after a CORS preflight, which fails here. */
async function control(options: HttpOptions, name: string, request: IncomingMessage, response: ServerResponse) {
  const body = await readBody(request);
  if (!options.control) return send(response, json(404, { error: "Start the emulator with --control to use this." }));
  const { host = "" } = request.headers;
  if (!isAllowedHost(host, options.allowedHosts)) {
    const error = `The host name ${oneLine(host)} is not allowed here: start the emulator with --allow-host to use it.`;
    return send(response, json(403, { error }));
  }
  if (request.method !== "POST" || !request.headers["content-type"]?.startsWith("application/json")) {
    return send(response, json(405, { error: "Send a POST with Content-Type: application/json." }));
  }
  try {
    const result = await options.control(name, body?.length ? JSON.parse(body.toString("utf8")) : undefined);
    await options.context.store.commit();
    send(response, json(200, result ?? { ok: true }));
  } catch (error) {
    send(response, json(400, { error: error instanceof Error ? error.message : String(error) }));
  }
}

async function redirectOrRestic(
  options: HttpOptions,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
) {
  if (path === "/") {
    response.writeHead(302, { Location: "/graphql" }).end();
  } else if (!(await options.restic?.(request, response))) {
    send(response, htmlReply(404, "Not Found"));
  }
}
