import type { Address } from "./address";
import type { Credentials } from "./credentials";
import type { HostKeyPolicy } from "./hostKeys";

/** A jump host, verified as strictly as the target itself. */
export interface Hop extends Address, Credentials {
  /** As for the target. Required: without `hostKey` the connection fails, and the error shows the presented key. */
  hostKey?: string | readonly string[] | undefined;
}

/** An account as a program describes it: its address, the expected host keys and the credentials. */
export interface Target extends Address, HostKeyPolicy {
  /** Credentials in the order of preference. */
  credentials: readonly Credentials[];
  /** Jump hosts, from the first to the last. */
  proxyJump?: Hop | readonly Hop[] | undefined;
  /** Limit of one whole operation in seconds. Default 30. */
  timeout?: number | undefined;
}
