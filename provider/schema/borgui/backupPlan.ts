import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import { canonicalZone } from "../../timeZone";
import { defineResource, type InputsOf, input, type StateOf, type Zod } from "../define";
import { cron, serverId, zone } from "./fields";

export const backupPlanSchema = defineResource(
  {
    type: "borgui.BackupPlan",
    description:
      "A backup plan of a Borg UI server: what it backs up, to which repositories, when, and how long archives stay. " +
      "Every argument is changed in place. What the resource does not manage stays as it is in Borg UI. A run of the plan is no drift.",
    errors: [
      "A plan of that name that Borg UI has already is refused, with its id.",
      "More repositories than the licence of the server allows are refused, and the error names the licence that is needed.",
    ],
    import:
      "`existingId` adopts a plan. The preview prints a line for each property that would change. The plugin imports it by its id.",
    get: "Reads a plan by Borg UI's id. It is never changed or deleted.",
    listBy: "name",
  },
  (z) => {
    const text = z.string({ error: "must be a text" });
    const filled = text.min(1, { error: "must not be empty" });
    const texts = z.array(filled, { error: "must be a list of texts" });
    const ids = z.array(serverId(z, "a repository"), { error: "must be a list of ids of repositories" });
    return {
      name: input(filled.trim(), {
        description: "Name in Borg UI.",
        default: ({ context }) => context.name,
        defaultDescription: "the resource's own name at creation",
      }),
      sourceDirectories: input(texts.min(1, { error: "must name a folder" }), {
        description: "Folders to back up: of the server, or of the host of `sourceConnectionId`.",
        required: true,
      }),
      sourceConnectionId: input(z.union([serverId(z, "a connection"), z.literal("")]), {
        documentedAs: z.string(),
        description: "Id of the `borgui.Connection` to the host that is backed up.",
        default: "",
        defaultDescription: "the server itself",
        output: "whenSet",
        equals: (declared, actual) => declared === (actual ?? ""),
      }),
      repositoryIds: input(ids.min(1, { error: "must name a repository" }), {
        documentedAs: z.array(z.string()),
        description: "Ids of the `borgui.Repository` objects that the plan backs up to, in this order.",
        required: true,
      }),
      cron: input(z.union([cron(z), z.literal("")]), {
        documentedAs: z.string(),
        description: "When the plan runs: a cron expression with five fields.",
        default: "",
        defaultDescription: "only when somebody starts it",
        output: "whenSet",
        equals: (declared, actual) => declared === (actual ?? ""),
      }),
      timezone: input(zone(z), {
        description: "IANA time zone of `cron`.",
        default: "UTC",
        equals: (declared, actual) => canonicalZone(declared) === canonicalZone(String(actual)),
      }),
      enabled: input(z.boolean({ error: "must be true or false" }), {
        description: "Whether the plan runs at all.",
        default: true,
      }),
      compression: input(filled, { description: "Compression, as `borg create` names it.", default: "lz4" }),
      excludePatterns: input(texts, { description: "Patterns that are left out, in order.", default: [] }),
      retention: input(retentionSchema(z), {
        description: "Archives that stay when older ones are pruned after each run. Unset: nothing is pruned.",
        default: KEEP_ALL,
        defaultDescription: "everything stays",
        output: "whenSet",
        equals: isSameRetention,
      }),
      scriptHooks: input(hooksSchema(z), {
        description:
          "Scripts of Borg UI's library that run before and after, in this order. Secret as a whole, as parameters may be.",
        secret: true,
        default: [],
        defaultDescription: "none",
        output: "whenSet",
        equals: isSameHooks,
      }),
      existingId: input(serverId(z, "a backup plan"), {
        documentedAs: z.string(),
        description: "Id of a plan to adopt instead of making one. Read at creation only.",
        adoptId: true,
        plain: true,
        output: "never",
      }),
    };
  },
);

export type BackupPlanInputs = InputsOf<typeof backupPlanSchema>;
export type BackupPlanState = StateOf<typeof backupPlanSchema> & { __server?: string };
export type Retention = z.output<ReturnType<typeof retentionSchema>>;
export type ScriptHooks = z.output<ReturnType<typeof hooksSchema>>;

/** The value of a removed `retention` in the inputs, where a value has to stand. */
export const KEEP_ALL = {} as Retention;

export const PERIODS = ["hourly", "daily", "weekly", "monthly", "quarterly", "yearly"] as const;

export function isKeepAll(retention: Retention | undefined): boolean {
  return retention === undefined || Object.keys(retention).length === 0;
}

function retentionSchema(z: Zod) {
  const count = z.int({ error: "must be a whole number" }).min(0, { error: "must not be negative" }).optional();
  return z
    .strictObject(
      {
        hourly: count.describe("Number of hourly archives. Default: `0`."),
        daily: count.describe("Number of daily archives. Default: `0`."),
        weekly: count.describe("Number of weekly archives. Default: `0`."),
        monthly: count.describe("Number of monthly archives. Default: `0`."),
        quarterly: count.describe("Number of quarterly archives. Default: `0`."),
        yearly: count.describe("Number of yearly archives. Default: `0`."),
        within: z
          .string({ error: "must be a text" })
          .regex(/^[1-9]\d*[Hdwmy]$/, { error: 'must be an interval of borg, for example "2d"' })
          .optional()
          .describe('Interval in which every archive stays, for example `"2d"`. Default: none.'),
      },
      { error: "must be { hourly, daily, weekly, monthly, quarterly, yearly, within }" },
    )
    .refine((kept) => Object.keys(kept).length === 0 || Object.values(kept).some(Boolean), {
      error: "must keep something: leave it out to keep everything",
    })
    .meta({ id: "borgui.Retention", description: "Archives that stay. At least one of the values is not 0." });
}

function isSameRetention(declared: Retention, state: unknown): boolean {
  const actual = state as Retention | undefined;
  if (isKeepAll(declared) || actual === undefined) return isKeepAll(declared) === isKeepAll(actual);
  const isSameCount = PERIODS.every((period) => (declared[period] ?? 0) === (actual[period] ?? 0));
  return isSameCount && declared.within === actual.within;
}

function hooksSchema(z: Zod) {
  const hook = z
    .strictObject(
      {
        scriptId: serverId(z, "a script").describe("Id of a script in Borg UI's library."),
        when: z
          .enum(["pre-backup", "post-backup"], { error: 'must be "pre-backup" or "post-backup"' })
          .describe("When the script runs."),
        timeout: z
          .int({ error: "must be a whole number of seconds" })
          .min(1, { error: "must be at least 1 second" })
          .optional()
          .describe("Limit in seconds. Default: the script's own."),
        parameters: z
          .record(z.string(), z.string({ error: "must be a text" }), { error: "must be a map of texts" })
          .optional()
          .describe("Values of the script's parameters. Default: the script's own."),
      },
      { error: "must be { scriptId, when, timeout, parameters }" },
    )
    .meta({ id: "borgui.ScriptHook", description: "A script that runs with a plan." });
  return z.array(hook, { error: "must be a list of { scriptId, when, timeout, parameters }" });
}

/** Text that Borg UI returns for a password. */
const MASK = "***";

/** A masked value counts as equal: no call tells it. */
function isSameHooks(declared: ScriptHooks, state: unknown): boolean {
  const actual = (state as ScriptHooks | undefined) ?? [];
  return (
    declared.length === actual.length &&
    declared.every(({ parameters = {}, ...hook }, index) => {
      const { parameters: found = {}, ...other } = actual[index] as ScriptHooks[number];
      const names = [...new Set([...Object.keys(parameters), ...Object.keys(found)])];
      return (
        isDeepStrictEqual({ timeout: undefined, ...hook }, { timeout: undefined, ...other }) &&
        names.every((name) => parameters[name] === found[name] || found[name] === MASK)
      );
    })
  );
}
