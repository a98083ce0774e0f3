import type { BorgUiFault, BorgUiFaultInput } from "../faults";
import type { Context } from "./context";
import { type BorgUiVariants, variantsPatch } from "./variants";

/** Controls for tests. */
export interface BorgUiControl {
  /** Removes everything but users and tokens; restores variants, clock and latency of the start. Data of borg stays. */
  reset(): void;
  /** Sets the clock to an ISO time, from which it runs on; null restores the machine's time. */
  setClock(time: string | null): void;
  /** Delay in ms of every response. */
  setLatency(ms: number): void;
  setVariants(changes: Partial<BorgUiVariants>): void;
  /** `operation` is a route as `POST /api/ssh-keys/3/deploy`, or with `*` for each id. */
  addFault(fault: BorgUiFaultInput): void;
  faults(): readonly BorgUiFault[];
  clearFaults(): void;
  /** Number of requests by method and path. */
  requests(): Record<string, number>;
  resetRequests(): void;
  /** Ends every login lock. */
  unlockLogins(): void;
}

export function createControl(context: Context): BorgUiControl {
  const { store, clock, variants, faults, latency, requests, loginLimit } = context;
  const initial = { ...variants };
  return {
    reset() {
      for (const table of [store.runs, store.plans, store.repositories, store.connections, store.keys, store.scripts]) {
        table.clear();
      }
      Object.assign(variants, initial);
      clock.set(null);
      latency.ms = 0;
      faults.clear();
      requests.clear();
      loginLimit.reset();
    },
    setClock: (time) => clock.set(time === null ? null : new Date(time)),
    setLatency: (ms) => {
      latency.ms = ms;
    },
    setVariants: (changes) => {
      Object.assign(variants, variantsPatch.parse(changes));
    },
    addFault: (fault) => faults.add(fault),
    faults: () => faults.list(),
    clearFaults: () => faults.clear(),
    requests: () => Object.fromEntries(requests),
    resetRequests: () => requests.clear(),
    unlockLogins: () => loginLimit.reset(),
  };
}
