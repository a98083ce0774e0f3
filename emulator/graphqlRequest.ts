import type { IncomingMessage } from "node:http";
import { json, type Reply } from "./api";

/** A GraphQL request over HTTP, with its variables parsed. */
export interface GraphqlRequest {
  query: string;
  variables: Record<string, unknown>;
  operationName: string | null;
}

/** A malformed request, with the message of graphene-django. */
class RequestError extends Error {
  constructor(
    message: string,
    readonly reply: Reply = json(400, { errors: [{ message }] }),
  ) {
    super(message);
  }
}

/** The URL of a request, with a placeholder as host; null for an invalid target. */
export function requestUrl(request: IncomingMessage): URL | null {
  const target = request.url ?? "/";
  // A path that starts with two slashes would otherwise be read as a host.
  const text = target.startsWith("/") ? `http://emulator${target}` : target;
  return URL.canParse(text) ? new URL(text) : null;
}

/**
 * The parsed request, or the response to a malformed one. Follows graphene-django's GraphQLView
 * (graphql-python/graphene-django, views.py). The Content-Type decides how a body is parsed. A body of another type is
 * ignored. Parameters of the URL precede those of the body.
 */
export async function readGraphql(request: IncomingMessage, url: URL, body: Buffer): Promise<GraphqlRequest | Reply> {
  if (request.method !== "GET" && request.method !== "POST") {
    const refusal = json(405, { errors: [{ message: "GraphQL only supports GET and POST requests." }] });
    return { ...refusal, headers: { Allow: "GET, POST" } };
  }
  try {
    const content = await parameters(request.headers["content-type"] ?? "", body);
    const parameter = (name: string) => url.searchParams.get(name) || content[name];
    const query = parameter("query");
    if (typeof query !== "string" || !query) throw new RequestError("Must provide query string.");
    const operationName = parameter("operationName");
    return {
      query,
      variables: variablesOf(parameter("variables")),
      operationName:
        typeof operationName === "string" && operationName && operationName !== "null" ? operationName : null,
    };
  } catch (error) {
    if (error instanceof RequestError) return error.reply;
    throw error;
  }
}

async function parameters(contentType: string, body: Buffer): Promise<Record<string, unknown>> {
  switch (contentType.split(";")[0]?.trim().toLowerCase()) {
    case "application/json":
      return readJson(text(body));
    case "application/graphql":
      return { query: text(body) };
    case "application/x-www-form-urlencoded":
      return Object.fromEntries(new URLSearchParams(text(body)));
    case "multipart/form-data":
      return readMultipart(contentType, body);
    default:
      return {};
  }
}

function text(body: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new RequestError("The request is not valid UTF-8.");
  }
}

function readJson(body: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = JSON.parse(body);
  } catch {
    throw new RequestError("POST body sent invalid JSON.");
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new RequestError("The received data is not a valid JSON query.");
  }
  return content as Record<string, unknown>;
}

/** Text fields only: file uploads are a separate protocol, which graphene-django does not support. */
async function readMultipart(contentType: string, body: Buffer): Promise<Record<string, unknown>> {
  try {
    const form = await new Response(new Uint8Array(body), { headers: { "Content-Type": contentType } }).formData();
    return Object.fromEntries([...form].filter(([, value]) => typeof value === "string"));
  } catch {
    throw new RequestError("The multipart form is malformed.");
  }
}

/** An object or its JSON text, as gjabell/terraform-provider-borgbase sends it. */
function variablesOf(given: unknown): Record<string, unknown> {
  let values = given || {};
  if (typeof values === "string") {
    try {
      values = JSON.parse(values);
    } catch {
      throw new RequestError("Variables are invalid JSON.");
    }
  }
  if (typeof (values ?? {}) !== "object" || Array.isArray(values))
    throw new RequestError("Variables are invalid JSON.");
  return (values ?? {}) as Record<string, unknown>;
}
