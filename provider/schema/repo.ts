import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import { canonicalZone } from "../timeZone";
import { type ApiValuesOf, defineResource, type InputsOf, input, output, type StateOf, type Zod } from "./define";

export const repoSchema = defineResource(
  {
    type: "Repo",
    description:
      "A backup repository at BorgBase. A repository that holds backups is never deleted or replaced unless `forceDestroy` " +
      "was true at the last deployment. With `keepOnDelete` it stays in the account. Usage and the time of the last backup are no outputs, as a backup is no drift: see `getRepo`.",
    errors: [
      "A repository that holds backups is not deleted or replaced. Set `forceDestroy: true` and run `pulumi up` first, or keep it with `keepOnDelete: true`.",
      "A token of another account finds nothing. The error names both accounts, and the state keeps the repository.",
      "A changed `region` or `format` of an adopted repository is refused, as neither can be changed.",
    ],
    import:
      "`existingId` adopts a repository. The preview prints a line for each property that would change. With the plugin, " +
      "`pulumi import borgbase:index:Repo NAME ID` writes the code too. `npx pulumi-borgbase discover` names all ids.",
    get: "Reads a repository by BorgBase's id. It is never changed or deleted.",
    listBy: "name",
  },
  (z) => {
    const text = (error: string) => z.string({ error }).trim().min(1, { error });
    const flag = z.boolean({ error: "must be true or false" });
    const amount = (unit: string) =>
      z.number({ error: `must be a number of ${unit}` }).min(0, { error: "must not be negative" });
    const keyIds = idSet(z);
    const documentedAs = z.array(z.string());
    return {
      name: input(text("must be a text that is not empty"), {
        description: "Name in BorgBase's list of repositories.",
        default: ({ context }) => context.name,
        defaultDescription: "the resource's own name at creation",
        api: "String",
      }),
      region: input(text('must be a region, for example "eu"'), {
        description: 'Region: `"eu"`, `"us"`, or any other that the API accepts.',
        required: true,
        forceNew: true,
        equals: ignoringCase,
        api: "String",
      }),
      format: input(text('must be a format, for example "borg1"'), {
        description: 'Format: `"borg1"`, `"restic"`, or any other that the API accepts.',
        default: DEFAULT_FORMAT,
        forceNew: true,
        equals: ignoringCase,
        api: "String",
      }),
      // Sums like (0.1 + 0.2) * 1000 are no whole numbers, and nobody means a fraction of a megabyte.
      quota: input(amount("MB").transform(Math.round), {
        description: "Storage limit. `0`: no quota.",
        unit: "MB",
        default: 0,
      }),
      alertDays: input(amount("days").int({ error: "must be a whole number of days" }), {
        description: "BorgBase sends an alert after so many days without a backup. `0`: never.",
        unit: "days",
        default: 0,
        api: "Int",
      }),
      appendOnlyKeys: input(keyIds, {
        description:
          "Ids of SSH keys that may add archives but not delete them. A set: order and repeats mean nothing.",
        default: [],
        documentedAs,
        api: "[String]",
      }),
      fullAccessKeys: input(keyIds, {
        description: "Ids of SSH keys with full access. A set.",
        default: [],
        documentedAs,
        api: "[String]",
      }),
      rsyncKeys: input(keyIds, {
        description: "Ids of SSH keys that may use rsync. A set.",
        default: [],
        documentedAs,
        api: "[String]",
      }),
      appendOnly: input(flag, {
        description: "Whether every key may only add archives.",
        default: false,
        api: "Boolean",
      }),
      sftpEnabled: input(flag, { description: "Whether SFTP is allowed beside borg.", default: false, api: "Boolean" }),
      borgVersion: input(text('must be a version as the API names it, for example "LATEST" or "V_1_2_X"'), {
        description: 'Borg version of the server: `"LATEST"`, `"V_1_2_X"`, and others. Borg repositories only.',
        default: ({ inputs }) => (hasBorgVersion(inputs.format) ? DEFAULT_VERSION : undefined),
        defaultDescription: '`"LATEST"`',
        output: "whenSet",
        equals: ignoringCase,
        api: "String",
      }),
      compaction: input(compactionSchema(z), {
        description: "Schedule on which the server frees the space of deleted archives. Unset: off.",
        default: OFF,
        defaultDescription: "off",
        output: "whenSet",
        equals: isSameCompaction,
      }),
      forceDestroy: input(flag, {
        description:
          "Whether a repository that holds backups may be deleted or replaced. `true` counts from the next run on: set it, run `pulumi up`, then destroy. `false` counts at once.",
        default: false,
        // Never in the run that sets it: a deletion of backups takes two steps.
        steersDeletion: "next",
      }),
      keepOnDelete: input(flag, {
        description: "Whether deleting or replacing the resource leaves the repository and its backups in the account.",
        default: false,
        steersDeletion: "now",
        // States of 0.1.0 lack this argument.
        equals: (declared, actual) => declared === (actual ?? false),
      }),
      existingId: input(text("must be the id of a repository"), {
        description: "Id of a repository to adopt instead of creating one. Read at creation only.",
        adoptId: true,
        plain: true,
        output: "never",
      }),
      repoPath: output(z.string(), {
        description:
          "Repository URL for `borg`, for example `ssh://ID@ID.repo.borgbase.com/./repo`. Holds no password.",
      }),
      resticUrl: output(z.string().optional(), {
        description: "Repository URL for `restic`, password included. Restic repositories only.",
        secret: true,
      }),
      htpasswd: output(z.string().optional(), { description: "Password of restic's REST protocol.", secret: true }),
      server: output(serverSchema(z), { description: "The server that holds the repository." }),
      createdAt: output(z.string().optional(), { description: "Time of creation, ISO 8601.", api: "String" }),
    };
  },
);

export type RepoInputs = InputsOf<typeof repoSchema>;

export type RepoState = StateOf<typeof repoSchema> & {
  /** User name of the account that owns the repository, where the token may ask. */
  __account?: string;
};

/** Fields that the API holds under the same name and in the same form. */
export type RepoApiValues = ApiValuesOf<typeof repoSchema>;

export type Compaction = z.output<ReturnType<typeof compactionSchema>>;
export type RepoServer = z.output<ReturnType<typeof serverSchema>>;

export const DEFAULT_FORMAT = "borg1";
const DEFAULT_VERSION = "LATEST";
const KEY = "must be the id of an SSH key";
const HOUR = "must be an hour from 0 to 23";
const ZONE = 'must be an IANA time zone, for example "Europe/Berlin"';

/** The value of a removed `compaction` in the inputs, where a value has to stand. */
export const OFF = {} as Compaction;

export const isOff = (compaction: Compaction | undefined) => compaction?.interval === undefined;

export const hasBorgVersion = (format: unknown = DEFAULT_FORMAT) => typeof format !== "string" || /^borg/i.test(format);

export const ignoringCase = (declared: string, actual: unknown) =>
  declared.toLowerCase() === String(actual).toLowerCase();

function idSet(z: Zod) {
  const id = z.union([z.string({ error: KEY }).trim().min(1, { error: KEY }), z.int().transform(String)], {
    error: KEY,
  });
  return z.array(id, { error: "must be a list of ids of SSH keys" }).transform((list) => [...new Set(list)].sort());
}

function compactionSchema(z: Zod) {
  return z
    .strictObject(
      {
        interval: z
          .int({ error: "must be a whole number" })
          .min(1, { error: "must be at least 1" })
          .describe("Number of `unit`s between two compactions; at least 1."),
        unit: z
          .enum(["days", "weeks", "months"], { error: 'must be "days", "weeks" or "months"' })
          .describe("Unit of `interval`."),
        hour: z
          .int({ error: "must be a whole number" })
          .min(0, { error: HOUR })
          .max(23, { error: HOUR })
          .describe("Hour of the day in `timezone`, 0–23."),
        timezone: z
          .string({ error: ZONE })
          .refine((zone) => canonicalZone(zone) !== undefined, { error: ZONE })
          .describe('IANA time zone, for example `"Europe/Berlin"`.'),
      },
      { error: "must be { interval, unit, hour, timezone }" },
    )
    .meta({ id: "Compaction", description: "Schedule of the server's compaction." });
}

export function serverSchema(z: Zod) {
  return z
    .object({
      hostname: z.string().optional().describe("Name of the server; the repository's own address is in `repoPath`."),
      region: z.string().optional().describe("Region of the server."),
      location: z.string().optional().describe("Place of the server, as BorgBase words it."),
      fingerprintRsa: z.string().optional().describe("RSA host key, `SHA256:…`, of the host in `repoPath`."),
      fingerprintEcdsa: z.string().optional().describe("ECDSA host key, `SHA256:…`, of the host in `repoPath`."),
      fingerprintEd25519: z.string().optional().describe("Ed25519 host key, `SHA256:…`, of the host in `repoPath`."),
    })
    .meta({ id: "RepoServer", description: "A server of BorgBase. Every field may be missing." });
}

function isSameCompaction(declared: Compaction, state: unknown): boolean {
  const actual = state as Compaction | undefined;
  if (isOff(declared) || actual === undefined) return isOff(declared) === isOff(actual);
  // The first look-up of a zone in a process takes 15 ms.
  if (declared.timezone === actual.timezone) return isDeepStrictEqual(declared, actual);
  return isDeepStrictEqual(
    { ...declared, timezone: canonicalZone(declared.timezone) },
    { ...actual, timezone: canonicalZone(actual.timezone) },
  );
}
