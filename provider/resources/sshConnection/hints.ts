import { ProviderError } from "../../errors";
import type { SshConnectionState } from "../../schema/sshConnection";
import type { ManagedAccount } from "../../ssh/authorizedKeys/managedAccount";
import { SshError } from "../../ssh/error";
import { hasOnlyRestrictedKey } from "./target";

/** The error with a hint that the key's own options cause it, when the key is the only credential. */
export function withRestrictionHint(error: unknown, account: ManagedAccount, state: SshConnectionState): unknown {
  if (!hasOnlyRestrictedKey(account, state) || !(error instanceof SshError) || error.kind !== "session") return error;
  return new ProviderError(
    "host",
    `${error.message}: the only way in is the key itself, which \`restrict\` keeps from it. Give password, bootstrapPrivateKey or agent, and run \`pulumi up\`; or keep the key there with keepOnDelete.`,
    { cause: error },
  );
}
