import { z } from "zod";
import { isAllowedHost } from "../allowedHost";
import type { BorgUiFault, BorgUiFaultInput } from "../faults";
import type { Context } from "./context";
import { router } from "./router";
import { type BorgUiVariants, variantsPatch } from "./variants";

/** Controls for tests. With `--control` also over HTTP, as `POST /control/NAME`. */
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

/** The routes below `/control/`. JSON only: a browser sends it to another origin only after a preflight, which fails. */
export function controlRoutes(control: BorgUiControl, allowedHosts: readonly string[]) {
  const actions: Record<string, (body: unknown) => unknown> = {
    reset: () => control.reset(),
    clock: (body) =>
      control.setClock(z.strictObject({ now: z.iso.datetime({ offset: true }).nullable() }).parse(body).now),
    latency: (body) => control.setLatency(z.strictObject({ ms: z.number().nonnegative() }).parse(body).ms),
    variants: (body) => control.setVariants(body as Partial<BorgUiVariants>),
    fault: (body) => control.addFault(body as BorgUiFaultInput),
    faults: () => control.faults(),
    "clear-faults": () => control.clearFaults(),
    requests: () => control.requests(),
    "reset-requests": () => control.resetRequests(),
    "unlock-logins": () => control.unlockLogins(),
  };
  return router().post("/control/:name", async (c) => {
    const name = c.req.param("name");
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (!isAllowedHost(c.req.header("Host") ?? "", allowedHosts)) {
      return c.json(
        { error: "This host name is not allowed here: start the emulator with --allow-host to use it." },
        403,
      );
    }
    if (!c.req.header("Content-Type")?.startsWith("application/json")) {
      return c.json({ error: "Send a POST with Content-Type: application/json." }, 405);
    }
    if (!action)
      return c.json({ error: `There is no /control/${name}; there are ${Object.keys(actions).join(", ")}.` }, 400);
    try {
      const text = await c.req.text();
      const result = action(text === "" ? undefined : JSON.parse(text));
      return c.json(result ?? { ok: true });
    } catch (error) {
      const message = error instanceof z.ZodError ? z.prettifyError(error) : String((error as Error).message);
      return c.json({ error: message.replace(/\s*\n\s*/g, " ") }, 400);
    }
  });
}
