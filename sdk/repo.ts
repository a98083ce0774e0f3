import type * as pulumi from "@pulumi/pulumi";
import type { Compaction, RepoInputs, RepoServer, RepoState } from "../provider/resources/repo";
import { type Args, DynamicResource } from "./dynamicResource";

export type { Compaction, RepoServer } from "../provider/resources/repo";

/** The arguments of a {@link Repo}. */
export type RepoArgs = Args<Omit<RepoInputs, "existingId">> & Pick<RepoInputs, "existingId">;

/**
 * A backup repository at BorgBase. One that holds backups is never deleted or replaced unless `forceDestroy` was true at
 * the last deployment; with `keepOnDelete` it stays in the account. Usage and the time of the last backup are no outputs,
 * as a backup is no drift: see `getRepo`.
 *
 * ```ts
 * const repo = new borgbase.Repo("web-1", { region: "eu", appendOnlyKeys: [key.id], alertDays: 2 });
 * export const path = repo.repoPath;
 * ```
 */
export class Repo extends DynamicResource {
  declare readonly name: pulumi.Output<string>;
  declare readonly region: pulumi.Output<string>;
  declare readonly format: pulumi.Output<string>;
  /** MB; 0: no quota. */
  declare readonly quota: pulumi.Output<number>;
  declare readonly alertDays: pulumi.Output<number>;
  declare readonly appendOnlyKeys: pulumi.Output<string[]>;
  declare readonly fullAccessKeys: pulumi.Output<string[]>;
  declare readonly rsyncKeys: pulumi.Output<string[]>;
  declare readonly appendOnly: pulumi.Output<boolean>;
  declare readonly sftpEnabled: pulumi.Output<boolean>;
  declare readonly borgVersion: pulumi.Output<string | undefined>;
  /** Undefined: off. */
  declare readonly compaction: pulumi.Output<Compaction | undefined>;
  declare readonly forceDestroy: pulumi.Output<boolean>;
  declare readonly keepOnDelete: pulumi.Output<boolean>;
  /** What `borg` takes as its repository. Holds no password. */
  declare readonly repoPath: pulumi.Output<string>;
  /** What `restic` takes as its repository, password included; restic repositories only. Secret. */
  declare readonly resticUrl: pulumi.Output<string | undefined>;
  /** The password of restic's REST protocol. Secret. */
  declare readonly htpasswd: pulumi.Output<string | undefined>;
  declare readonly server: pulumi.Output<RepoServer>;
  /** ISO 8601. */
  declare readonly createdAt: pulumi.Output<string | undefined>;

  constructor(name: string, args: RepoArgs, opts?: pulumi.CustomResourceOptions) {
    super("Repo", name, args, OUTPUTS, ["resticUrl", "htpasswd"], opts);
  }

  /** A repository that other hands manage, by BorgBase's id: read, never changed or deleted. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, opts?: pulumi.CustomResourceOptions): Repo {
    return new Repo(name, {} as RepoArgs, { ...opts, id });
  }
}

const OUTPUTS: (keyof RepoState)[] = [
  "name",
  "region",
  "format",
  "quota",
  "alertDays",
  "appendOnlyKeys",
  "fullAccessKeys",
  "rsyncKeys",
  "appendOnly",
  "sftpEnabled",
  "borgVersion",
  "compaction",
  "forceDestroy",
  "keepOnDelete",
  "repoPath",
  "resticUrl",
  "htpasswd",
  "server",
  "createdAt",
];
