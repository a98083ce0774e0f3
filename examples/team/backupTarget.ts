import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";

export interface BackupTargetArgs {
  /** Id of the key that may do everything: prune, delete, restore. */
  adminKey: pulumi.Input<string>;
  /** Days without a backup before BorgBase warns. */
  alertDays: number;
  /** MB; left out: no quota. */
  quota?: number;
}

/** Where one machine backs up to: a key pair of its own, and a repository that it can only add to. */
export class BackupTarget extends pulumi.ComponentResource {
  readonly repoPath: pulumi.Output<string>;
  /** Secret; for the machine's `~/.ssh`. */
  readonly privateKey: pulumi.Output<string>;

  constructor(machine: string, args: BackupTargetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("team:index:BackupTarget", machine, {}, opts);

    const pair = new borgbase.KeyPair(machine, { comment: `root@${machine}` }, { parent: this });
    const key = new borgbase.SshKey(machine, { publicKey: pair.publicKey }, { parent: this });
    const repo = new borgbase.Repo(
      machine,
      {
        region: "eu",
        // Whoever takes the machine over cannot delete its backups.
        appendOnlyKeys: [key.id],
        fullAccessKeys: [args.adminKey],
        alertDays: args.alertDays,
        quota: args.quota,
        // An append-only key cannot free space, so BorgBase does it after the admin has pruned.
        compaction: { interval: 1, unit: "weeks", hour: 3, timezone: "Europe/Berlin" },
      },
      { parent: this },
    );
    this.repoPath = repo.repoPath;
    this.privateKey = pair.privateKey;
    this.registerOutputs({ repoPath: this.repoPath, privateKey: this.privateKey });
  }
}
