import type { HttpBindings } from "@hono/node-server";
import type { Context as HonoContext } from "hono";
import { createFactory } from "hono/factory";
import type { Context } from "./context";
import type { User } from "./store/rows";

export interface Env {
  Bindings: HttpBindings;
  Variables: {
    context: Context;
    /** The caller, behind {@link signedIn}. */
    user: User;
    /** A moment between two steps of the work, at which the fault `crash` ends the request like a killed server. */
    crashPoint: () => Promise<void>;
  };
}

export type Call = HonoContext<Env>;

export const factory = createFactory<Env>();

/** Routes with their whole paths. `/x` and `/x/` are different paths. */
export function router() {
  return factory.createApp();
}
