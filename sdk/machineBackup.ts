import * as pulumi from "@pulumi/pulumi";
import { BackupJob, type BackupJobArgs } from "./backupJob";
import { KeyPair } from "./keyPair";
import { Repo, type RepoArgs } from "./repo";
import { SshKey } from "./sshKey";

/** The arguments of {@link MachineBackup}. */
export interface MachineBackupArgs {
  /** Where the job runs, as of a {@link BackupJob}. Secret. */
  connection: BackupJobArgs["connection"];
  /** Absolute paths to back up. */
  paths: BackupJobArgs["paths"];
  /** Region of the repository: `"eu"`, `"us"`, or any other that the API accepts. A change replaces the repository. */
  region: RepoArgs["region"];
  /** Passphrase of the repository. Secret. */
  passphrase: BackupJobArgs["passphrase"];
  /** Ids of SSH keys with full access, for example of a machine that prunes. */
  adminKeys?: RepoArgs["fullAccessKeys"];
  /**
   * What the machine's own key may do. `append-only`: whoever takes the machine over cannot delete its backups.
   *
   * @default "append-only"
   */
  access?: "append-only" | "full";
  /**
   * BorgBase sends an alert after so many days without a backup.
   *
   * @default 2
   */
  alertDays?: RepoArgs["alertDays"];
  /** Storage limit. Unit: MB. */
  quota?: RepoArgs["quota"];
  /** Schedule on which the server frees the space of deleted archives. */
  compaction?: RepoArgs["compaction"];
  /**
   * Borg version of the server, one of borg 1 as on the machine. `LATEST` may be borg 2, and is refused.
   *
   * @default "V_1_4_X"
   */
  borgVersion?: RepoArgs["borgVersion"];
  /**
   * Whether the repository may be deleted while it holds backups. Deleting the job leaves them either way.
   *
   * @default false
   */
  forceDestroy?: RepoArgs["forceDestroy"];
  /** Arbitrary values. A change of one replaces the machine's key in one deployment, for example `{ rotated: "2026-11" }`. */
  keepers?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Further arguments of the job. `retention` needs `access: "full"`. */
  job?: Omit<BackupJobArgs, "connection" | "paths" | "passphrase" | "repository" | "repositoryHostKeys" | "privateKey">;
}

/**
 * The backup of one machine in one declaration: a {@link KeyPair}, its {@link SshKey}, a {@link Repo} and a {@link BackupJob}.
 *
 * The machine's key may only add archives by default. Archives are then deleted elsewhere, with a key of `adminKeys`.
 */
export class MachineBackup extends pulumi.ComponentResource {
  /** The machine's own key pair. */
  readonly pair: KeyPair;
  /** Its public key at BorgBase. */
  readonly key: SshKey;
  /** The repository of the machine. */
  readonly repo: Repo;
  /** The job on the machine. */
  readonly job: BackupJob;
  /** Repository URL for `borg`. */
  readonly repoPath: pulumi.Output<string>;
  /** The exported key of the repository. With the passphrase it restores every archive. Secret. */
  readonly repositoryKey: pulumi.Output<string>;

  constructor(name: string, args: MachineBackupArgs, opts?: pulumi.ComponentResourceOptions) {
    const {
      connection,
      paths,
      region,
      passphrase,
      adminKeys,
      quota,
      compaction,
      forceDestroy,
      keepers,
      job = {},
    } = args;
    const { access = "append-only", alertDays = 2, borgVersion = "V_1_4_X" } = args;
    assertMayDelete(name, access, job);
    assertBorg1(name, borgVersion);
    super("borgbase:index:MachineBackup", name, {}, opts);
    const parent = { parent: this };

    this.pair = new KeyPair(name, { comment: `root@${name}`, ...(keepers && { keepers }) }, parent);
    this.key = new SshKey(name, { publicKey: this.pair.publicKey }, parent);
    this.repo = new Repo(
      name,
      {
        region,
        alertDays,
        borgVersion,
        ...keysOf(access, this.key.id, adminKeys),
        ...(quota !== undefined && { quota }),
        ...(compaction !== undefined && { compaction }),
        ...(forceDestroy !== undefined && { forceDestroy }),
      },
      parent,
    );
    this.job = new BackupJob(
      name,
      {
        ...job,
        connection,
        paths,
        passphrase,
        // Resolves after the repository's own update: a new key is in place before the machine uses it.
        repository: this.repo.repoPath,
        repositoryHostKeys: this.repo.server,
        privateKey: this.pair.privateKey,
      },
      parent,
    );
    this.repoPath = this.repo.repoPath;
    this.repositoryKey = this.job.repositoryKey;
    this.registerOutputs({ repoPath: this.repoPath, repositoryKey: this.repositoryKey });
  }
}

function keysOf(
  access: "append-only" | "full",
  own: pulumi.Output<string>,
  adminKeys: RepoArgs["fullAccessKeys"] = [],
): Pick<RepoArgs, "appendOnlyKeys" | "fullAccessKeys"> {
  if (access === "append-only") return { appendOnlyKeys: [own], fullAccessKeys: adminKeys };
  return { appendOnlyKeys: [], fullAccessKeys: pulumi.all([own, adminKeys]).apply(([id, admins]) => [id, ...admins]) };
}

/** A prune with an append-only key frees nothing and hides archives. */
function assertMayDelete(name: string, access: string, { retention }: Pick<BackupJobArgs, "retention">): void {
  if (access === "full" || retention === undefined) return;
  throw new pulumi.RunError(
    `MachineBackup ${name}: retention needs a key that may delete, and access is "${access}". ` +
      'Prune on another machine with a key of adminKeys, or set access: "full".',
  );
}

/** The machine has borg 1, which cannot use a server of borg 2. */
function assertBorg1(name: string, version: RepoArgs["borgVersion"]): void {
  if (typeof version !== "string" || /^V_1_/i.test(version)) return;
  throw new pulumi.RunError(
    `MachineBackup ${name}: borgVersion "${version}" may be borg 2, and the machine has borg 1. ` +
      "Leave it out, or name a version of borg 1 such as V_1_4_X.",
  );
}
