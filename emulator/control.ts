import { z } from "zod";
import type { Clock } from "./clock";
import { type Fault, type FaultInput, type Faults, faultSchema } from "./faults";
import type { Counters, LoggedRequest, RequestLog } from "./requestLog";
import type { Store } from "./store";
import { TOKEN_LEVELS } from "./tokens";
import { type Variants, variantsPatchSchema } from "./variants";
import type { RepoStorage } from "./world";

const tokenChange = z.strictObject({
  account: z.string(),
  /** Which of the account's three tokens, by the level it was made with. */
  token: z.enum(TOKEN_LEVELS),
  level: z.enum(TOKEN_LEVELS).optional(),
  /** ISO time, "now", or null for never. */
  expiresAt: z.union([z.iso.datetime({ offset: true }), z.literal("now"), z.null()]).optional(),
});

const repoContent = z.strictObject({
  id: z.string(),
  /** What the API reports from now on instead of what lies on the disk; null goes back to that. */
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

/** What tests turn and read. The same over HTTP, behind the switch `--control`, as `POST /control/NAME`. */
export interface Control {
  /** No keys, repositories, data, faults, counters or latency; tokens, variants and clock as at the start. */
  reset(): Promise<void>;
  /** An ISO time to go on from, or null for the machine's. */
  setClock(time: string | null): void;
  /** Milliseconds between the work and its answer, for every request. */
  setLatency(ms: number): void;
  /** Changes some variants. Throws on a value that does not exist. */
  setVariants(changes: Partial<Variants>): void;
  addFault(fault: FaultInput): void;
  /** The faults that wait, with what is left of `skip` and `count`. */
  faults(): readonly Fault[];
  clearFaults(): void;
  counters(): Counters;
  log(): readonly LoggedRequest[];
  resetCounters(): void;
  /** Expires a token, or changes what it may do. */
  changeToken(change: TokenChange): void;
  /** Has a repository report that it holds data, without any. */
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

/** The control as HTTP has it: a name and a JSON body. Throws one line on what it does not know. */
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
