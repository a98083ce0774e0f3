import { messageOf, ProviderError } from "../../errors";
import type { DeleteContext } from "../../lifecycle/resource";
import type { SshConnectionState } from "../../schema/sshConnection";
import type { ManagedAccount } from "../../ssh/authorizedKeys/managedAccount";
import { SshError } from "../../ssh/error";
import { hasOnlyRestrictedKey } from "./target";

/* Ways out of a failed operation, which its error does not know. */

/** The error with the step that leaves a key on a host which cannot be edited any more. */
export function withKeepHint(error: unknown, { isDeclared }: DeleteContext): unknown {
  const isLasting =
    error instanceof SshError && ["authentication", "hostKey", "permission", "write"].includes(error.kind);
  if (!isLasting) return error;
  const where = isDeclared ? "and run `pulumi up`" : "for it in the program, and run `pulumi up` first";
  return new ProviderError("host", `${error.message}. To leave the key there, set keepOnDelete: true ${where}.`, {
    cause: error,
  });
}

/** The error with the step that gives the key up. `pulumi destroy` runs no program, so `pulumi up` comes first. */
export function withForgetHint(error: unknown, { isDeclared }: DeleteContext): ProviderError {
  const where = isDeclared ? "and run `pulumi up`" : "for it in the program, and run `pulumi up` first";
  return new ProviderError(
    "host",
    `${messageOf(error)}. To give up the key there, set onUnreachable: "forget" ${where}.`,
    { cause: error },
  );
}

/** The error with a hint that the key's own options cause it, when the key is the only credential. */
export function withRestrictionHint(error: unknown, account: ManagedAccount, state: SshConnectionState): unknown {
  if (!hasOnlyRestrictedKey(account, state) || !(error instanceof SshError) || error.kind !== "session") return error;
  return new ProviderError(
    "host",
    `${error.message}: the only way in is the key itself, which \`restrict\` keeps from it. Give password, bootstrapPrivateKey or agent, and run \`pulumi up\`; or keep the key there with keepOnDelete.`,
    { cause: error },
  );
}
