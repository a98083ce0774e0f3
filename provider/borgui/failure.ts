import { z } from "zod";
import { ProviderError } from "../errors";
import { parseRetryAfter, Unavailable } from "../remote/retry";
import type { HttpAnswer } from "../remote/transport";

/** The request that has failed. */
export interface Failed {
  /** Verb and object, for example `make the connection root@nas:22`. */
  purpose: string;
  url: string;
  /** Whether a server that is broken right now is asked again. */
  repeatable?: boolean;
  /** Values that the server must not show again in its reason. */
  secrets?: readonly string[];
}

/** Status 500 of a change: Borg UI has a fault of its own, and may have made the change all the same. Not repeated. */
export class ServerFault extends ProviderError {
  constructor(message: string) {
    super("remote", message);
  }
}

const issue = z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() });
const keyed = z.object({
  key: z.string(),
  params: z.record(z.string(), z.unknown()).nullish(),
  feature: z.string().nullish(),
  required: z.string().nullish(),
  current: z.string().nullish(),
});
const detail = z.object({ detail: z.union([z.string(), keyed, z.array(issue)]) });

type Detail = z.output<typeof detail>["detail"];

/** The error of an answer with another status than the expected one. Its text holds nothing that the server may not show. */
export function failureOf(failed: Failed, { status, body, retryAfter }: HttpAnswer): ProviderError {
  const { purpose, url, repeatable, secrets = [] } = failed;
  const shown = secrets.filter(Boolean).reduce((text, secret) => text.replaceAll(inJson(secret), "[secret]"), body);
  const given = detail.safeParse(jsonIn(shown)).data?.detail;
  const key = typeof given === "object" && "key" in given ? given : undefined;
  const could = `Borg UI could not ${purpose}`;
  const wait = parseRetryAfter(retryAfter ?? null);
  const delay = wait === undefined ? {} : { retryAfter: wait };
  if (status === 429) {
    return new Unavailable(`${could}: it asks to slow down (status 429).`, { outcomeUnknown: false, ...delay });
  }
  if (status >= 500) {
    const words = key ? `: ${wordsOf(key, true)}` : "";
    const message = `${could}: it has a fault of its own (status ${status}${words}).`;
    const isBrokenProxy = status !== 500;
    return repeatable || isBrokenProxy
      ? new Unavailable(message, { outcomeUnknown: true, ...delay })
      : new ServerFault(message);
  }
  if (/proxyHeaderRequired$/.test(key?.key ?? "")) {
    return new ProviderError(
      "authentication",
      `${could}: it takes no tokens here, as it leaves logins to a proxy in front of it. Give an address that is not behind that mode.`,
    );
  }
  if (status === 401) return new ProviderError("authentication", `${could}: it refuses the login${wordsAfter(given)}.`);
  if (key?.feature) {
    const { feature, required, current } = key;
    return new ProviderError(
      "licence",
      `${could}: its plan${current ? ` "${current}"` : ""} lacks ${spaced(feature)}${required ? `, which needs "${required}"` : ""}.`,
    );
  }
  if (/plan\.\w*Limit/.test(key?.key ?? ""))
    return new ProviderError("licence", `${could}: its plan allows no more${wordsAfter(given)}.`);
  if (status === 403) {
    return new ProviderError(
      "permission",
      `${could}: the user may not${wordsAfter(given)}. Use a token of an administrator of Borg UI.`,
    );
  }
  if (status === 404 && key) return new ProviderError("notFound", `${could}: ${wordsOf(key)}.`);
  if (given !== undefined && status !== 404) return new ProviderError("remote", `${could}: ${wordsOf(given)}.`);
  return new ProviderError(
    "answer",
    `${could}: status ${status} with an answer that is not Borg UI's. Is ${url} its address?`,
  );
}

function wordsAfter(given: Detail | undefined): string {
  return given === undefined ? "" : `: ${wordsOf(given)}`;
}

/**
 * The server's reason in words. `backend.errors.ssh.keyNameAlreadyExists` is a key of its translations.
 * @param keyOnly leaves parameters out: those of a fault may hold SQL and encrypted secrets
 */
function wordsOf(given: Detail, keyOnly = false): string {
  if (typeof given === "string") return given.replace(/[.\s]+$/, "").slice(0, 200);
  if (Array.isArray(given)) {
    // The value that was refused stays out: it may be a secret.
    return given.map(({ loc, msg }) => `${loc.filter((part) => part !== "body").join(".")}: ${msg}`).join("; ");
  }
  const words = spaced(given.key.split(".").at(-1) ?? given.key);
  const params = Object.entries(given.params ?? {}).map(([name, value]) => `${name} ${String(value).trim()}`);
  if (keyOnly) return [words, ...borgsWords(given)].join(", ");
  return params.length > 0 ? `${words} (${params.join(", ").slice(0, 300)})` : words;
}

/** borg's own words, the only parameter of a fault that is shown. */
function borgsWords({ key, params }: z.output<typeof keyed>): string[] {
  const error = params?.error;
  if (!key.endsWith("failedToInitializeRepository") || typeof error !== "string") return [];
  const last = error.trim().split("\n").at(-1)?.trim().replace(/\.$/, "") ?? "";
  return /\b(SELECT|INSERT|UPDATE|DELETE)\b|sqlalche|gAAAAA|BEGIN [A-Z ]*KEY/i.test(last) ? [] : [last.slice(0, 300)];
}

/** `keyNameAlreadyExists` and `multi_repository` in words. */
function spaced(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toLowerCase();
}

/** The JSON of a body, or undefined. */
export function jsonIn(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
