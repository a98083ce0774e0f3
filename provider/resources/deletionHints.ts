import { messageOf, ProviderError } from "../errors";
import type { DeleteContext } from "../lifecycle/resource";
import { SshError } from "../ssh/error";

/* Ways out of a failed deletion on a host, which its error does not know. `what` stands there: "the key", "the job". */

/** The error with the step that leaves something on a host which cannot be edited any more. */
export function withKeepHint(error: unknown, what: string, deletion: DeleteContext): unknown {
  const isLasting =
    error instanceof SshError && ["authentication", "hostKey", "permission", "write"].includes(error.kind);
  if (!isLasting) return error;
  return new ProviderError(
    "host",
    `${error.message}. To leave ${what} there, set keepOnDelete: true ${whereToSet(deletion)}.`,
    { cause: error },
  );
}

/** The error with the step that gives something up on a host that is gone. */
export function withForgetHint(error: unknown, what: string, deletion: DeleteContext): ProviderError {
  return new ProviderError(
    "host",
    `${messageOf(error)}. To give up ${what} there, set onUnreachable: "forget" ${whereToSet(deletion)}.`,
    { cause: error },
  );
}

/** `pulumi destroy` runs no program, so `pulumi up` comes first. */
function whereToSet({ isDeclared }: DeleteContext): string {
  return isDeclared ? "and run `pulumi up`" : "for it in the program, and run `pulumi up` first";
}
