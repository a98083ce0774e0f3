import type { AddressInfo } from "node:net";
import { Api } from "./api";
import { Clock } from "./clock";
import { type Control, controlOverHttp, createControl } from "./control";
import { Faults } from "./faults";
import { createHttpServer } from "./http";
import { noStorage } from "./repoStorage";
import { RequestLog } from "./requestLog";
import { Store } from "./store";
import type { TokenLevel } from "./tokens";
import { type Variants, variantsSchema } from "./variants";
import type { World } from "./world";

export type { Control, RepoContent, TokenChange } from "./control";
export type { Fault, FaultInput } from "./faults";
export type { Counters, LoggedRequest } from "./requestLog";
export type { TokenLevel } from "./tokens";
export type { Variants } from "./variants";

export interface EmulatorOptions {
  /** Default `127.0.0.1`. */
  host?: string;
  /** Port of the API; default 0, a free one. */
  port?: number;
  /** Folder that keeps accounts, keys and repositories over a restart; default: nothing is kept. */
  dataDir?: string;
  /** Serves `POST /control/…`; default false. The returned `control` works either way. */
  control?: boolean;
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
  /** Cuts every connection, and resolves when the data is written. */
  close(): Promise<void>;
}

/** Starts a local BorgBase. Rejects with one line when a port is taken or the data folder holds something else. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const host = options.host ?? "127.0.0.1";
  const store = new Store(options.dataDir ?? null);
  const clock = new Clock();
  const variants = variantsSchema.parse(options.variants ?? {});
  let port = 0;
  const storage = noStorage({ host, httpPort: () => port, sshPort: () => 8622 });
  const world: World = { store, clock, variants, storage };
  const faults = new Faults();
  const requests = new RequestLog();
  const latency = { ms: 0 };
  const control = createControl({ store, clock, variants, faults, requests, latency });
  const server = createHttpServer({
    world,
    api: new Api(world),
    faults,
    requests,
    latency: () => latency.ms,
    control: options.control ? controlOverHttp(control) : null,
    restic: null,
    log: options.log ?? (() => {}),
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  port = (server.address() as AddressInfo).port;
  return {
    endpoint: `http://${host}:${port}/graphql`,
    port,
    accounts: accountsOf(store),
    control,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await store.flush();
    },
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
