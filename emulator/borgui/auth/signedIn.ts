import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { sign, verify } from "hono/jwt";
import { isoTime } from "../../clock";
import type { Context } from "../context";
import { badCredentials, type HttpError, refusal } from "../errors";
import { type Call, factory } from "../router";
import type { User } from "../store/rows";

const ALGORITHM = "HS256";

export const TOKEN_PREFIX = "borgui_";

/** A new session token with its lifetime in seconds. A logout or a revoked personal token does not end it. */
export async function newSession({ store, clock, variants }: Context, user: User) {
  const exp = Math.floor(clock.now().getTime() / 1000) + variants.sessionSeconds;
  // The id tells sessions of one second apart, for the fault `expire`.
  const claims = { sub: user.username, exp, purpose: "access", jti: randomUUID() };
  const token = await sign(claims, store.secret, ALGORITHM);
  return { access_token: token, token_type: "bearer", expires_in: variants.sessionSeconds };
}

/** Requires valid credentials and sets `user`. */
export const signedIn = factory.createMiddleware(async (c, next) => {
  c.set("user", await callerOf(c));
  await next();
});

/** Requires an administrator; `area` names the error's key, as `ssh`. */
export const adminOnly = (area: string) =>
  factory.createMiddleware(async (c, next) => {
    const user = await callerOf(c);
    if (user.role !== "admin") throw refusal(403, `${area}.adminAccessRequired`);
    c.set("user", user);
    await next();
  });

async function callerOf(c: Call): Promise<User> {
  const { context } = c.var;
  switch (context.variants.login) {
    case "none":
      return administrator(context);
    case "proxy":
      return userOfProxy(c);
    case "password":
      return userOfToken(c);
  }
}

function administrator({ store }: Context): User {
  const user = store.users.find(({ role }) => role === "admin");
  if (!user) throw badCredentials();
  return user;
}

const PROXY_HEADER = "X-Forwarded-User";

/** An unknown name becomes a new viewer. */
function userOfProxy(c: Call): User {
  const { store, clock } = c.var.context;
  const name = c.req.header(PROXY_HEADER)?.trim().toLowerCase();
  if (!name) throw refusal(401, "auth.proxyHeaderRequired", { header: PROXY_HEADER });
  const known = store.users.find(({ username }) => username === name);
  return (
    known ??
    store.users.insert({
      username: name,
      full_name: null,
      email: `${name}@proxy.local`,
      password: "",
      role: "viewer",
      is_active: true,
      must_change_password: false,
      created_at: isoTime(clock.now()),
      last_login: null,
    })
  );
}

/** The token of a request; undefined for none. A proxy may need Authorization for itself. */
function tokenOf(c: Call): string | undefined {
  const header = c.req.header("X-Borg-Authorization") || c.req.header("Authorization");
  // The scheme's case matters.
  return header?.startsWith("Bearer ") ? header.split(" ")[1] : undefined;
}

/** Ends the session of a request, as if its token had expired. */
export function endSession(c: Call): void {
  const token = tokenOf(c);
  if (token !== undefined) c.var.context.endedSessions.add(token);
}

async function userOfToken(c: Call): Promise<User> {
  const { context } = c.var;
  const token = tokenOf(c);
  if (token === undefined || context.endedSessions.has(token)) throw badCredentials();
  const user = token.startsWith(TOKEN_PREFIX)
    ? await userOfPersonalToken(context, token)
    : await userOfSession(context, token);
  if (!user) throw badCredentials();
  if (!user.is_active) throw refusal(401, "auth.inactiveUser");
  return user;
}

async function userOfPersonalToken(context: Context, secret: string): Promise<User | undefined> {
  await checkSecret(context);
  const token = context.store.tokens.find((row) => row.secret === secret);
  if (!token) return undefined;
  token.last_used_at = isoTime(context.clock.now());
  context.store.tokens.save(token);
  return context.store.users.get(token.user_id);
}

async function userOfSession({ store, clock }: Context, token: string): Promise<User | undefined> {
  const payload = await verify(token, store.secret, { alg: ALGORITHM, exp: false }).catch(() => undefined);
  const exp = Number(payload?.exp);
  if (!payload || !(exp > clock.now().getTime() / 1000)) return undefined;
  return store.users.find(({ username }) => username === payload.sub);
}

const checks = new WeakMap<Context, Promise<unknown>>();

/** The costly hash of a secret. One at a time, as the server has one thread. */
export async function checkSecret(context: Context): Promise<void> {
  const ms = context.variants.checkMs;
  if (ms === 0) return;
  const check = (checks.get(context) ?? Promise.resolve()).then(() => delay(ms));
  checks.set(context, check);
  await check;
}

/** An error of a logged-in user without the right. */
export function notPermitted(): HttpError {
  return refusal(403, "auth.notEnoughPermissions");
}
