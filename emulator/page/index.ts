import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { brotliDecompressSync } from "node:zlib";
import { isAllowedHost } from "../allowedHost";
import { htmlReply, json, type Reply } from "../api";
import { asset } from "../schema";
import type { TokenLevel } from "../tokens";

/** An account as the page offers it. */
export interface PageAccount {
  email: string;
  tokens: Record<TokenLevel, string>;
}

/** A reply whose body may be compressed. */
export type PageReply = Omit<Reply, "body"> & { body: string | Buffer };

/** The page at /graphql for browsers: one file that the build creates and compresses, without external resources. */
export function graphiqlPage(request: IncomingMessage): PageReply {
  let packed: Buffer;
  try {
    packed = readFileSync(asset("page.html.br"));
  } catch {
    return htmlReply(404, "GraphiQL is not part of this build: run `npm run build`");
  }
  const reply = { status: 200, type: "text/html; charset=utf-8" };
  // Browsers accept Brotli from https and, some of them, from localhost.
  return /\bbr\b/.test(String(request.headers["accept-encoding"]))
    ? { ...reply, body: packed, headers: { "Content-Encoding": "br", Vary: "Accept-Encoding" } }
    : { ...reply, body: brotliDecompressSync(packed), headers: { Vary: "Accept-Encoding" } };
}

/** Accounts with their tokens for the page's choice, for a browser on the same machine alone. */
export function pageAccounts(
  request: IncomingMessage,
  accounts: PageAccount[],
  allowedHosts: readonly string[],
): Reply {
  const { host = "" } = request.headers;
  const { remoteAddress = "" } = request.socket;
  if (!/^(::ffff:)?127\.|^::1$/.test(remoteAddress) || !isAllowedHost(host, allowedHosts))
    return json(403, { error: "Tokens are shown on the emulator's own machine only; its output names them." });
  return json(
    200,
    accounts.map(({ email, tokens }) => ({ email, tokens })),
  );
}
