import type * as pulumi from "@pulumi/pulumi";
import type { KeyPairInputs, KeyPairState } from "../provider/resources/keyPair";
import { type Args, DynamicResource } from "./dynamicResource";

/** The arguments of a {@link KeyPair}; all are optional. */
export type KeyPairArgs = Args<KeyPairInputs>;

/**
 * An SSH key pair, made or brought along. It lives in the state alone: nothing touches a disk, the private key is
 * encrypted there. A change of what defines the key makes a new pair; one of the comment alone updates it.
 *
 * ```ts
 * const pair = new borgbase.KeyPair("backup", { comment: "root@web-1" });
 * ```
 */
export class KeyPair extends DynamicResource {
  declare readonly keyType: pulumi.Output<KeyPairState["keyType"]>;
  declare readonly bits: pulumi.Output<number>;
  declare readonly comment: pulumi.Output<string>;
  /** One OpenSSH line: algorithm, body, comment. */
  declare readonly publicKey: pulumi.Output<string>;
  /** OpenSSH's private key form, without a passphrase. Secret. */
  declare readonly privateKey: pulumi.Output<string>;
  /** `SHA256:…`, as `ssh-keygen -l` shows it. */
  declare readonly fingerprintSha256: pulumi.Output<string>;
  /** `MD5:aa:bb:…` */
  declare readonly fingerprintMd5: pulumi.Output<string>;

  constructor(name: string, args: KeyPairArgs = {}, opts?: pulumi.CustomResourceOptions) {
    super("KeyPair", name, args, OUTPUTS, ["privateKey", "passphrase"], opts);
  }

  /** Fails always: a private key can be had from no service. Give an existing one as `privateKey`. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, opts?: pulumi.CustomResourceOptions): KeyPair {
    return new KeyPair(name, {}, { ...opts, id });
  }
}

const OUTPUTS: (keyof KeyPairState)[] = [
  "keyType",
  "bits",
  "comment",
  "publicKey",
  "privateKey",
  "fingerprintSha256",
  "fingerprintMd5",
];
