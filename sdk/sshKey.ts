import type * as pulumi from "@pulumi/pulumi";
import type { SshKeyInputs, SshKeyState } from "../provider/resources/sshKey";
import { type Args, DynamicResource } from "./dynamicResource";

/** The arguments of an {@link SshKey}. */
export type SshKeyArgs = Args<Omit<SshKeyInputs, "existingId">> & Pick<SshKeyInputs, "existingId">;

/**
 * A public key registered with BorgBase. BorgBase cannot edit keys: a new name or key replaces it, new before old, so
 * that repositories never lose access in between. Needs a token that may add; to delete, one with Full Access.
 *
 * ```ts
 * const key = new borgbase.SshKey("web-1", { publicKey: pair.publicKey });
 * ```
 */
export class SshKey extends DynamicResource {
  declare readonly name: pulumi.Output<string>;
  /** Algorithm and body, as BorgBase keeps it: without the comment. */
  declare readonly publicKey: pulumi.Output<string>;
  declare readonly comment: pulumi.Output<string>;
  /** As BorgBase names it, for example `"ssh-ed25519"`. */
  declare readonly keyType: pulumi.Output<string>;
  declare readonly bits: pulumi.Output<number>;
  declare readonly fingerprintSha256: pulumi.Output<string>;
  declare readonly fingerprintMd5: pulumi.Output<string>;
  /** ISO 8601. */
  declare readonly addedAt: pulumi.Output<string | undefined>;

  constructor(name: string, args: SshKeyArgs, opts?: pulumi.CustomResourceOptions) {
    super("SshKey", name, args, OUTPUTS, [], opts);
  }

  /** A registered key that other hands manage, by BorgBase's id. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, opts?: pulumi.CustomResourceOptions): SshKey {
    return new SshKey(name, {} as SshKeyArgs, { ...opts, id });
  }
}

const OUTPUTS: (keyof SshKeyState)[] = [
  "name",
  "publicKey",
  "comment",
  "keyType",
  "bits",
  "fingerprintSha256",
  "fingerprintMd5",
  "addedAt",
];
