import type { Clock } from "../clock";
import type { BorgUiFault, BorgUiFaultInput, Faults } from "../faults";
import type { LoginLimit } from "./auth/loginLimit";
import type { Borg } from "./borg";
import type { Store } from "./store";
import type { BorgUiVariants } from "./variants";

/** State and services that every route works with. */
export interface Context {
  readonly store: Store;
  readonly clock: Clock;
  readonly variants: BorgUiVariants;
  readonly faults: Faults<BorgUiFault, BorgUiFaultInput>;
  /** Session tokens that a fault has ended. */
  readonly endedSessions: Set<string>;
  /** Delay in ms of every response. */
  readonly latency: { ms: number };
  readonly borg: Borg;
  readonly loginLimit: LoginLimit;
  readonly requests: RequestCounts;
  /** Folder that relative paths of repositories start at. */
  readonly folder: string;
  /** Time in ms to connect to an SSH server. */
  readonly connectMs: number;
  /** Requests, and runs of backup plans, under way. */
  readonly requestsUnderWay: Set<Promise<void>>;
  readonly runsUnderWay: Set<Promise<void>>;
  /** Stops the run of a backup plan, by its id. */
  readonly stops: Map<number, AbortController>;
  /** One line per request, without secrets. */
  readonly log: (line: string) => void;
}

/** Number of requests by method and route, as `POST /api/ssh-keys/:key_id/deploy`. */
export type RequestCounts = Map<string, number>;
