import { z } from "zod";
import type { Clock } from "./clock";
import type { RepoStorage } from "./context";
import { type Fault, type FaultInput, type Faults, faultSchema } from "./faults";
import type { Counters, LoggedRequest, RequestLog } from "./requestLog";
import { type Variants, variantsPatchSchema } from "./serverVariants";
import type { Store } from "./store";
import { TOKEN_LEVELS } from "./tokens";

const tokenChange = z.strictObject({
  account: z.string(),
  /** Name of one of the account's three tokens: its level at creation. */
  token: z.enum(TOKEN_LEVELS),
  level: z.enum(TOKEN_LEVELS).optional(),
  /** ISO time, "now", or null for never. */
  expiresAt: z.union([z.iso.datetime({ offset: true }), z.literal("now"), z.null()]).optional(),
});

const repoContent = z.strictObject({
  id: z.string(),
  /** Usage that the API reports from now on instead of the usage on disk; null restores the latter. */
  content: z
    .strictObject({
      /** MB */
      currentUsage: z.number().nonnegative(),
      lastModified: z.iso.datetime({ offset: true }).nullable(),
    })
    .nullable(),
});

export type TokenChange = z.infer<typeof tokenChange>;
export type RepoContent = z.infer<typeof repoContent>["content"];

/** Controls for tests. With `--control` also over HTTP, as `POST /control/NAME`. */
export interface Control {
  /** Removes keys, repositories, data, faults, counters and latency; restores tokens, variants and clock of the start. */
  reset(): Promise<void>;
  /** Sets the clock to an ISO time, from which it runs on; null restores the machine's time. */
  setClock(time: string | null): void;
  /** Delay in ms between the execution of each request and its response. */
  setLatency(ms: number): void;
  /** Changes some variants. Throws on a value that does not exist. */
  setVariants(changes: Partial<Variants>): void;
  addFault(fault: FaultInput): void;
  /** Pending faults, with their remaining `skip` and `count`. */
  faults(): readonly Fault[];
  clearFaults(): void;
  counters(): Counters;
  log(): readonly LoggedRequest[];
  resetCounters(): void;
  /** Expires a token, or changes what it may do. */
  changeToken(change: TokenChange): void;
  /** Makes a repository report a usage without any data. */
  setContent(id: string, content: RepoContent): void;
}

export interface Controlled {
  store: Store;
  storage: RepoStorage;
  clock: Clock;
  variants: Variants;
  faults: Faults;
  requests: RequestLog;
  latency: { ms: number };
}

export function createControl(controlled: Controlled): Control {
  const { store, storage, clock, variants, faults, requests, latency } = controlled;
  const initialVariants = { ...variants };
  const initialTokens = store.tokens.map((token) => ({ ...token }));
  return {
    async reset() {
      const repos = [...store.repos.values()];
      store.reset();
      Object.assign(variants, initialVariants);
      store.tokens.forEach((token, index) => {
        Object.assign(token, initialTokens[index]);
      });
      store.saveTokens();
      clock.set(null);
      latency.ms = 0;
      faults.clear();
      requests.reset();
      for (const repo of repos) await storage.remove(repo);
    },
    setClock: (time) => clock.set(time === null ? null : new Date(time)),
    setLatency: (ms) => {
      latency.ms = ms;
    },
    setVariants: (changes) => {
      Object.assign(variants, variantsPatchSchema.parse(changes));
    },
    addFault: (fault) => faults.add(fault),
    faults: () => faults.list(),
    clearFaults: () => faults.clear(),
    counters: () => requests.counters,
    log: () => requests.log,
    resetCounters: () => requests.reset(),
    changeToken: (change) => {
      const token = store.tokens.find(({ account, name }) => account === change.account && name === change.token);
      if (!token) throw new Error(`There is no account ${change.account}.`);
      if (change.level !== undefined) token.level = change.level;
      if (change.expiresAt !== undefined) {
        token.expiresAt = change.expiresAt === "now" ? clock.now().toISOString() : change.expiresAt;
      }
      store.saveTokens();
    },
    setContent: (id, content) => {
      const repo = store.repos.get(id);
      if (!repo) throw new Error(`There is no repository ${id}.`);
      repo.pretended = content;
      store.saveRepo(repo);
    },
  };
}

/** The routes below `/control/`, called with a name and a JSON body. Throws an error of one line for a wrong call. */
export function controlOverHttp(control: Control): (name: string, body: unknown) => Promise<unknown> {
  const routes: Record<string, (body: unknown) => unknown> = {
    reset: () => control.reset(),
    clock: (body) =>
      control.setClock(z.strictObject({ now: z.iso.datetime({ offset: true }).nullable() }).parse(body).now),
    latency: (body) => control.setLatency(z.strictObject({ ms: z.number().nonnegative() }).parse(body).ms),
    variants: (body) => control.setVariants(body as Partial<Variants>),
    fault: (body) => control.addFault(faultSchema.parse(body)),
    faults: () => control.faults(),
    "clear-faults": () => control.clearFaults(),
    counters: () => control.counters(),
    log: () => control.log(),
    "reset-counters": () => control.resetCounters(),
    token: (body) => control.changeToken(tokenChange.parse(body)),
    content: (body) => {
      const { id, content } = repoContent.parse(body);
      control.setContent(id, content);
    },
  };
  return async (name, body) => {
    const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
    if (!route) throw new Error(`There is no /control/${name}; there are ${Object.keys(routes).join(", ")}.`);
    try {
      return await route(body);
    } catch (error) {
      throw error instanceof z.ZodError ? new Error(z.prettifyError(error).replace(/\s*\n\s*/g, " ")) : error;
    }
  };
}
