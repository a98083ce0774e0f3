import type * as pulumi from "@pulumi/pulumi";
import type { SshConnectionInputs, SshConnectionState } from "../provider/resources/sshConnection";
import { type Args, DynamicResource } from "./dynamicResource";

/** The arguments of an {@link SshConnection}. */
export type SshConnectionArgs = Args<SshConnectionInputs>;

/** An argument as the program gave it; undefined where it did not. */
type Given<K extends keyof SshConnectionInputs> = pulumi.Output<SshConnectionInputs[K] | undefined>;

/**
 * A public key in the `authorized_keys` of an account on a host: put there, proven, watched, and taken off again.
 * The host is verified before anything secret is sent; all other lines of the file stay byte for byte as they were.
 *
 * ```ts
 * new borgbase.SshConnection("box", {
 *   host: "u123456.your-storagebox.de",
 *   port: 23,
 *   username: "u123456",
 *   hostKey: "SHA256:…",
 *   publicKey: pair.publicKey,
 *   privateKey: pair.privateKey,
 *   password: config.requireSecret("password"),
 *   restrict: { borgServe: { path: "./backups" } },
 * });
 * ```
 */
export class SshConnection extends DynamicResource {
  declare readonly host: pulumi.Output<string>;
  declare readonly port: pulumi.Output<number>;
  declare readonly username: pulumi.Output<string>;
  declare readonly publicKey: pulumi.Output<string>;
  /** Secret, as the four that follow. */
  declare readonly privateKey: Given<"privateKey">;
  declare readonly passphrase: Given<"passphrase">;
  declare readonly password: Given<"password">;
  declare readonly bootstrapPrivateKey: Given<"bootstrapPrivateKey">;
  declare readonly bootstrapPassphrase: Given<"bootstrapPassphrase">;
  declare readonly agent: Given<"agent">;
  declare readonly passwordEnv: Given<"passwordEnv">;
  declare readonly hostKey: Given<"hostKey">;
  declare readonly trustOnFirstUse: Given<"trustOnFirstUse">;
  declare readonly useSftpMode: Given<"useSftpMode">;
  declare readonly authorizedKeysPath: Given<"authorizedKeysPath">;
  declare readonly restrict: Given<"restrict">;
  declare readonly defaultPath: Given<"defaultPath">;
  declare readonly sshPathPrefix: Given<"sshPathPrefix">;
  declare readonly keepOnDelete: Given<"keepOnDelete">;
  declare readonly onUnreachable: Given<"onUnreachable">;
  declare readonly timeout: Given<"timeout">;
  /** `"connected"` only after a login with the deployed key, else `"deployed"`; `"missing"` once a refresh found it gone. */
  declare readonly status: pulumi.Output<SshConnectionState["status"]>;
  /** What that login may do: `"shell"`, `"restricted"` or `"sftp"`. Undefined where none was tried. */
  declare readonly access: pulumi.Output<SshConnectionState["access"]>;
  /** `SHA256:…` */
  declare readonly hostKeyFingerprint: pulumi.Output<string>;
  declare readonly hostKeyType: pulumi.Output<string>;
  /** A line for a `known_hosts` file. */
  declare readonly knownHosts: pulumi.Output<string>;
  /** Of the deployed key, `SHA256:…`. */
  declare readonly fingerprintSha256: pulumi.Output<string>;

  constructor(name: string, args: SshConnectionArgs, opts?: pulumi.CustomResourceOptions) {
    super("SshConnection", name, args, OUTPUTS, SECRETS, opts);
  }

  /** Fails always: an id tells neither the key nor the way in. Declare it: a key that is there already stays untouched. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, opts?: pulumi.CustomResourceOptions): SshConnection {
    return new SshConnection(name, {} as SshConnectionArgs, { ...opts, id });
  }
}

const SECRETS: (keyof SshConnectionState)[] = [
  "privateKey",
  "passphrase",
  "password",
  "bootstrapPrivateKey",
  "bootstrapPassphrase",
];

const OUTPUTS: (keyof SshConnectionState)[] = [
  "host",
  "port",
  "username",
  "publicKey",
  ...SECRETS,
  "agent",
  "passwordEnv",
  "hostKey",
  "trustOnFirstUse",
  "useSftpMode",
  "authorizedKeysPath",
  "restrict",
  "defaultPath",
  "sshPathPrefix",
  "keepOnDelete",
  "onUnreachable",
  "timeout",
  "status",
  "access",
  "hostKeyFingerprint",
  "hostKeyType",
  "knownHosts",
  "fingerprintSha256",
];
