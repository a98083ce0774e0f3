import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Api } from "./api";
import { loadCertificate } from "./certificate";
import { Clock } from "./clock";
import type { Context } from "./context";
import { type Control, controlOverHttp, createControl } from "./control";
import { Faults, faultSchema } from "./faults";
import { createHttpServer } from "./http";
import { PROXY_NAMES, serveProxy } from "./proxy";
import { clientHost, noStorage, type RealStorage, startStorage, urlHost } from "./repoStorage";
import { RequestLog } from "./requestLog";
import { DEFAULT_VARIANTS, type Variants, variantsPatchSchema } from "./serverVariants";
import { writeSshConfig } from "./sshConfig";
import type { HostKey } from "./storage/types";
import { Store } from "./store";
import { TOKEN_LEVELS, type TokenLevel } from "./tokens";

export type { Control, RepoContent, TokenChange } from "./control";
export type { Fault, FaultInput } from "./faults";
export type { Counters, LoggedRequest } from "./requestLog";
export { readVariants, type Variants } from "./serverVariants";
export type { TokenLevel } from "./tokens";

export interface EmulatorOptions {
  /** Default `127.0.0.1`. */
  host?: string;
  /** Port of the API; default 0, a free one. */
  port?: number;
  /** Folder for accounts, keys and repositories. Default: none, nothing survives a restart. */
  dataDir?: string;
  /**
   * Serves the repositories: an SSH server in front of `borg serve`, and restic's protocol beside the API.
   * Default false: repositories exist in the API only.
   */
  storage?: boolean;
  /** Port of the SSH server; default 0, a free one. */
  sshPort?: number;
  /** Accounts and tokens. Default: those of the folder, or new ones. */
  accounts?: EmulatorAccount[];
  /** Serves `POST /control/…`; default false. The returned `control` works either way. */
  control?: boolean;
  /** Host names, besides those of loopback, under which `/control/` may be called; default none. */
  allowedHosts?: string[];
  variants?: Partial<Variants>;
  /** One line per request, without secrets. Default: silent. */
  log?: (line: string) => void;
}

export interface EmulatorAccount {
  email: string;
  password: string;
  tokens: Record<TokenLevel, string>;
}

export interface Emulator {
  /** The address of the GraphQL API, for `BORGBASE_ENDPOINT`. */
  endpoint: string;
  port: number;
  /** demo@example.com and other@example.com. */
  accounts: [EmulatorAccount, EmulatorAccount, ...EmulatorAccount[]];
  control: Control;
  /** Null without storage. */
  ssh: { port: number; hostKeys: HostKey[] } | null;
  /** Settings for clients that use BorgBase's own host names; null without storage. */
  names: { sshConfig: string; httpsProxy: string; caFile: string } | null;
  /** Closes every connection, and resolves when the data is written. */
  close(): Promise<void>;
}

/**
 * Starts a local BorgBase. Rejects when a port is in use (`EADDRINUSE`), or when the data folder is locked by another
 * emulator or holds foreign files.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const host = options.host ?? "127.0.0.1";
  const log = options.log ?? (() => {});
  const variants: Variants = { ...DEFAULT_VARIANTS, ...variantsPatchSchema.parse(options.variants ?? {}) };
  const clock = new Clock();
  const temporaryFolder =
    options.storage && !options.dataDir ? await mkdtemp(join(tmpdir(), "borgbase-emulator-")) : null;
  const store = new Store(options.dataDir ?? null, options.accounts && identities(options.accounts));
  const faults = new Faults(faultSchema);
  const requests = new RequestLog();
  const latency = { ms: 0 };
  let port = 0;
  const httpPort = () => port;
  let real: RealStorage | null = null;
  let server: Server | undefined;
  let closeTunnels = () => {};

  const close = async () => {
    const closed = new Promise<void>((resolve) => (server?.listening ? server.close(() => resolve()) : resolve()));
    server?.closeAllConnections();
    closeTunnels();
    await closed;
    await real?.close();
    await store.close();
    if (temporaryFolder) await rm(temporaryFolder, { recursive: true, force: true });
  };
  try {
    const folder = options.storage ? (options.dataDir ?? (temporaryFolder as string)) : null;
    if (folder !== null) {
      real = await startStorage({ store, clock, folder, host, httpPort, sshPort: options.sshPort ?? 0, log });
    }
    const storage = real ?? noStorage({ host, httpPort, sshPort: () => options.sshPort ?? DEFAULT_SSH_PORT });
    const context: Context = { store, clock, variants, storage };
    const control = createControl({ store, storage, clock, variants, faults, requests, latency });
    server = createHttpServer({
      context,
      api: new Api(context),
      faults,
      requests,
      latency: () => latency.ms,
      accounts: () => accountsOf(store),
      control: options.control ? controlOverHttp(control) : null,
      allowedHosts: (options.allowedHosts ?? []).map((name) => name.toLowerCase()),
      restic: real?.restic ?? null,
      log,
    });
    const certificate = folder === null ? null : loadCertificate(join(folder, "tls"), PROXY_NAMES);
    if (certificate) closeTunnels = serveProxy(server, certificate);
    port = await listen(server, options.port ?? 0, host);
    const names =
      certificate && real && folder !== null
        ? {
            sshConfig: writeSshConfig(folder, clientHost(host), real.ssh.port, real.ssh.hostKeys),
            httpsProxy: `http://${urlHost(host)}:${port}`,
            caFile: certificate.caFile,
          }
        : null;
    return {
      endpoint: `http://${urlHost(host)}:${port}/graphql`,
      port,
      accounts: accountsOf(store),
      control,
      ssh: real && { port: real.ssh.port, hostKeys: real.ssh.hostKeys },
      names,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Port in the addresses of repositories when no SSH server runs. */
const DEFAULT_SSH_PORT = 8622;

async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

function identities(accounts: EmulatorAccount[]) {
  return {
    accounts: accounts.map(({ email, password }, index) => ({ id: String(index + 1), email, password })),
    tokens: accounts.flatMap(({ email, tokens }) =>
      TOKEN_LEVELS.map((level) => ({ secret: tokens[level], account: email, name: level, level, expiresAt: null })),
    ),
  };
}

function accountsOf(store: Store): Emulator["accounts"] {
  const tokenOf = (email: string, name: TokenLevel) =>
    store.tokens.find((token) => token.account === email && token.name === name)?.secret ?? "";
  return store.accounts.map(({ email, password }) => ({
    email,
    password,
    tokens: {
      readOnly: tokenOf(email, "readOnly"),
      createOnly: tokenOf(email, "createOnly"),
      fullAccess: tokenOf(email, "fullAccess"),
    },
  })) as Emulator["accounts"];
}
