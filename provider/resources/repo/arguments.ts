import { isDeepStrictEqual } from "node:util";
import type { Failure } from "../../errors";
import { once } from "../../once";
import type { Context, Fields } from "../../resource";
import { canonicalZone } from "../../timeZone";

/** When the server frees the space of deleted archives. */
export interface Compaction {
  /** Every so many `unit`s; at least 1. */
  interval: number;
  unit: "days" | "weeks" | "months";
  /** Hour of the day, 0–23, in `timezone`. */
  hour: number;
  /** An IANA name, for example `"Europe/Berlin"`. */
  timezone: string;
}

/** The arguments of a `Repo`. One that is left out gets its default at creation and is not managed afterwards. */
export interface RepoInputs {
  /** Default: the resource's own name. */
  name?: string;
  /** `"eu"`, `"us"`, or any other that the API takes. A change replaces the repository. */
  region: string;
  /** `"borg1"` (default), `"restic"`, or any other that the API takes. A change replaces the repository. */
  format?: string;
  /** MB; default 0: no quota. */
  quota?: number;
  /** Warn after so many days without a backup; default 0: never. */
  alertDays?: number;
  /** Ids of SSH keys that may add archives, not delete them. A set. */
  appendOnlyKeys?: string[];
  /** Ids of SSH keys that may do everything. A set. */
  fullAccessKeys?: string[];
  /** Ids of SSH keys that may use rsync. A set. */
  rsyncKeys?: string[];
  /** Every key may only add; default false. */
  appendOnly?: boolean;
  /** SFTP beside borg; default false. */
  sftpEnabled?: boolean;
  /** `"LATEST"` (default), `"V_1_2_X"`, … Borg repositories only. */
  borgVersion?: string;
  /** Compaction by the server; default off. */
  compaction?: Compaction;
  /** Default false: a repository that holds backups is never deleted or replaced. Counts as of the last deployment. */
  forceDestroy?: boolean;
  /** Default false. True: deleting or replacing the resource leaves the repository and its backups in the account. */
  keepOnDelete?: boolean;
  /** Take over the repository with this id instead of adding one. Read at creation only. */
  existingId?: string;
}

export const ignoringCase = (declared: string, actual: unknown) =>
  declared.toLowerCase() === String(actual).toLowerCase();

export const fields = once(makeFields);

async function makeFields(): Promise<Fields<RepoInputs>> {
  const { z } = await import("../../zod.js");
  const text = (error: string) => z.string({ error }).trim().min(1, { error });
  const yes = z.boolean({ error: "must be true or false" });
  const ids = z
    .array(z.union([text(KEY), z.int().transform(String)], { error: KEY }), {
      error: "must be a list of ids of SSH keys",
    })
    .transform((list) => [...new Set(list)].sort());
  const whole = (unit: string) =>
    z.number({ error: `must be a number of ${unit}` }).min(0, { error: "must not be negative" });
  return {
    name: {
      schema: text("must be a text that is not empty"),
      reset: ({ context }) => context.name,
    },
    region: { schema: text('must be a region, for example "eu"'), required: true, replaces: true, same: ignoringCase },
    format: {
      schema: text('must be a format, for example "borg1"'),
      reset: () => DEFAULT_FORMAT,
      replaces: true,
      same: ignoringCase,
    },
    // Sums like (0.1 + 0.2) * 1000 are no whole numbers, and a fraction of a megabyte is nothing that anybody means.
    quota: { schema: whole("MB").transform(Math.round), reset: () => 0 },
    alertDays: { schema: whole("days").int({ error: "must be a whole number of days" }), reset: () => 0 },
    appendOnlyKeys: { schema: ids, reset: () => [] },
    fullAccessKeys: { schema: ids, reset: () => [] },
    rsyncKeys: { schema: ids, reset: () => [] },
    appendOnly: { schema: yes, reset: () => false },
    sftpEnabled: { schema: yes, reset: () => false },
    borgVersion: {
      schema: text('must be a version as the API names it, for example "LATEST" or "V_1_2_X"'),
      reset: ({ inputs }) => (hasBorgVersion(inputs.format) ? DEFAULT_VERSION : undefined),
      same: ignoringCase,
    },
    compaction: {
      schema: z.strictObject(
        {
          interval: z.int({ error: "must be a whole number" }).min(1, { error: "must be at least 1" }),
          unit: z.enum(["days", "weeks", "months"], { error: 'must be "days", "weeks" or "months"' }),
          hour: z.int({ error: "must be a whole number" }).min(0, { error: HOUR }).max(23, { error: HOUR }),
          timezone: z.string({ error: ZONE }).refine((zone) => canonicalZone(zone) !== undefined, { error: ZONE }),
        },
        { error: "must be { interval, unit, hour, timezone }" },
      ),
      reset: () => OFF,
      same: isSameCompaction,
    },
    // Never in the run that brings it: a deletion of backups takes two steps.
    forceDestroy: { schema: yes, reset: () => false, steersDeletion: "next" },
    keepOnDelete: {
      schema: yes,
      reset: () => false,
      steersDeletion: "now",
      // States of 0.1.0 before it had this argument lack it.
      same: (declared, actual) => declared === (actual ?? false),
    },
    existingId: { schema: text("must be the id of a repository"), identity: true },
  };
}

const DEFAULT_FORMAT = "borg1";
const DEFAULT_VERSION = "LATEST";
const hasBorgVersion = (format: unknown = DEFAULT_FORMAT) => typeof format !== "string" || /^borg/i.test(format);
const KEY = "must be the id of an SSH key";
const HOUR = "must be an hour from 0 to 23";
const ZONE = 'must be an IANA time zone, for example "Europe/Berlin"';

/** What a removed `compaction` becomes in the inputs, where it has to be something. */
const OFF = {} as Compaction;
export const isOff = (compaction: Compaction | undefined) => compaction?.interval === undefined;

function isSameCompaction(declared: Compaction, state: unknown): boolean {
  const actual = state as Compaction | undefined;
  if (isOff(declared) || actual === undefined) return isOff(declared) === isOff(actual);
  return isDeepStrictEqual(
    { ...declared, timezone: canonicalZone(declared.timezone) },
    { ...actual, timezone: canonicalZone(actual.timezone) },
  );
}

export function rules({ format, borgVersion }: Partial<RepoInputs>): Failure[] {
  if (borgVersion === undefined || hasBorgVersion(format)) return [];
  return [
    { property: "borgVersion", reason: `is for borg repositories only, and format is "${format}": leave it out` },
  ];
}

/** What a repository is created with where the program says nothing. */
export function withDefaults(inputs: RepoInputs, context: Context): RepoInputs & { name: string } {
  const format = inputs.format ?? DEFAULT_FORMAT;
  return {
    name: context.name,
    format,
    quota: 0,
    alertDays: 0,
    appendOnlyKeys: [],
    fullAccessKeys: [],
    rsyncKeys: [],
    appendOnly: false,
    sftpEnabled: false,
    ...(hasBorgVersion(format) && { borgVersion: DEFAULT_VERSION }),
    compaction: OFF,
    ...JSON.parse(JSON.stringify(inputs)),
  };
}
