import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { Clock, isoTime } from "../clock";
import { borgUiFaultSchema, Faults } from "../faults";
import { createApp, fetchWithPrefix } from "./app";
import { LoginLimit } from "./auth/loginLimit";
import { TOKEN_PREFIX } from "./auth/signedIn";
import { installedBorg } from "./borg/process";
import { recordedBorg } from "./borg/record";
import type { Context } from "./context";
import { type BorgUiControl, controlRoutes, createControl } from "./control";
import { Store } from "./store";
import { type BorgUiVariants, DEFAULT_VARIANTS, variantsPatch } from "./variants";

export type { BorgUiFault, BorgUiFaultInput } from "../faults";
export type { BorgUiControl } from "./control";
export { type BorgUiVariants, readVariants as readBorgUiVariants } from "./variants";

export interface BorgUiOptions {
  /** Default `127.0.0.1`. */
  host?: string;
  /** Default 0, a free one. */
  port?: number;
  /** Folder for the state, and for repositories with a relative path. Default: a temporary one. */
  dataDir?: string;
  /** `installed` runs the real borg; `record` keeps a record without data, for many repositories. Default `installed`. */
  borg?: "installed" | "record";
  /** Password of the first user `admin`, at the first start. Default: a random one. */
  password?: string;
  /** Prefix of all paths, as `/borg`, which is optional in requests. Default none. */
  basePath?: string;
  /** Time in ms to connect to an SSH server; default 10,000. */
  connectMs?: number;
  /** Serves `POST /control/…`; default false. The returned `control` works either way. */
  control?: boolean;
  /** Host names, besides those of loopback, under which `/control/` may be called; default none. */
  allowedHosts?: string[];
  variants?: Partial<BorgUiVariants>;
  /** One line per request, without secrets. Default: silent. */
  log?: (line: string) => void;
}

/** A running Borg UI server. */
export interface BorgUi {
  /** The address for `BORG_UI_URL`. */
  url: string;
  port: number;
  username: string;
  password: string;
  /** A personal token of the administrator. */
  token: string;
  control: BorgUiControl;
  /** Finishes the requests under way, stops runs, and resolves when the data is written. */
  close(): Promise<void>;
}

/**
 * Starts an emulator of a Borg UI server: its REST API, with real SSH and borg. Rejects when the port is in use
 * (`EADDRINUSE`), or when the data folder is locked by another emulator or holds foreign files.
 */
export async function startBorgUi(options: BorgUiOptions = {}): Promise<BorgUi> {
  const host = options.host ?? "127.0.0.1";
  const temporary = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), "borg-ui-emulator-")) : null;
  const folder = options.dataDir ?? temporary ?? "";
  const store = new Store(temporary === null ? folder : null);
  const clock = new Clock();
  const context: Context = {
    store,
    clock,
    variants: { ...DEFAULT_VARIANTS, ...variantsPatch.parse(options.variants ?? {}) },
    faults: new Faults(borgUiFaultSchema),
    endedSessions: new Set(),
    latency: { ms: 0 },
    borg: options.borg === "record" ? recordedBorg() : installedBorg(folder),
    loginLimit: new LoginLimit(clock),
    requests: new Map(),
    folder,
    connectMs: options.connectMs ?? 10_000,
    requestsUnderWay: new Set(),
    runsUnderWay: new Set(),
    stops: new Map(),
    log: options.log ?? (() => {}),
  };
  const identity = firstUser(context, options.password);
  const basePath = (options.basePath ?? "").replace(/\/+$/, "");
  const control = createControl(context);
  const app = createApp(context, options.control ? controlRoutes(control, options.allowedHosts ?? []) : null);
  const server = createAdaptorServer({ fetch: fetchWithPrefix(app, basePath) }) as Server;
  // Longer than clients keep an idle connection: otherwise the server may close one while a request is under way.
  server.keepAliveTimeout = 65_000;

  const close = async () => {
    const closed = new Promise<void>((resolve) => (server.listening ? server.close(() => resolve()) : resolve()));
    server.closeIdleConnections();
    await Promise.allSettled([...context.requestsUnderWay]);
    await context.borg.close();
    await Promise.allSettled([...context.runsUnderWay]);
    // The answers are on their way; a client that was never answered is dropped.
    await new Promise((resolve) => setImmediate(resolve));
    server.closeAllConnections();
    await closed;
    await store.close();
    if (temporary !== null) await rm(temporary, { recursive: true, force: true });
  };
  try {
    await store.commit();
    const port = await listen(server, options.port ?? 0, host);
    const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}${basePath}`;
    return { url, port, ...identity, control, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

const ADMIN = "admin";

/** The administrator with a personal token, made at the first start. */
function firstUser({ store, clock }: Context, password = randomBytes(8).toString("hex")) {
  const created_at = isoTime(clock.now());
  const user =
    store.users.find(({ username }) => username === ADMIN) ??
    store.users.insert({
      username: ADMIN,
      full_name: null,
      email: "admin@example.com",
      password,
      role: "admin",
      is_active: true,
      must_change_password: true,
      created_at,
      last_login: null,
    });
  const secret = `${TOKEN_PREFIX}${randomBytes(32).toString("base64url")}`;
  const token =
    store.tokens.find(({ user_id }) => user_id === user.id) ??
    store.tokens.insert({
      user_id: user.id,
      name: "emulator",
      secret,
      prefix: secret.slice(0, 12),
      created_at,
      last_used_at: null,
    });
  return { username: user.username, password: user.password, token: token.secret };
}
