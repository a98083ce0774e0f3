import type { z } from "zod";
import type { Hop } from "../ssh/connection/target";
import { DEFAULT_PORT, DEFAULT_TIMEOUT } from "../ssh/defaults";
import type { Zod } from "./define";
import { hostFields, jumpHosts } from "./host";

/** The way to a machine: the one that runs Pulumi, or an account on another. */
export type MachineConnection = "local" | RemoteMachine;

export interface RemoteMachine {
  host: string;
  port?: number | undefined;
  username: string;
  privateKey?: string | undefined;
  passphrase?: string | undefined;
  password?: string | undefined;
  passwordEnv?: string | undefined;
  agent?: boolean | undefined;
  hostKey?: string | string[] | undefined;
  trustOnFirstUse?: boolean | undefined;
  proxyJump?: Hop | Hop[] | undefined;
  timeout?: number | undefined;
}

const CONNECTION = 'must be "local" or { host, username, hostKey, … }';

/** Where a job runs. A failure contains no value, as a connection holds credentials. */
export function connectionSchema(z: Zod): { schema: z.ZodType<MachineConnection>; documentedAs: z.ZodType } {
  const text = z.string({ error: "must be a text" }).min(1, { error: "must not be empty" });
  const flag = z.boolean({ error: "must be true or false" });
  const jumps = jumpHosts(z);
  const machine = (proxyJump: z.ZodType) =>
    z.strictObject(
      {
        host: text.describe(hostFields.host.description),
        port: z
          .int({ error: "must be a whole number" })
          .optional()
          .describe(`${hostFields.port.description} Default: \`${DEFAULT_PORT}\`.`),
        username: text.describe(`${hostFields.username.description} Another one than root needs \`become\`.`),
        privateKey: text.optional().describe(`${hostFields.privateKey.description} Secret.`),
        passphrase: text.optional().describe(`${hostFields.passphrase.description} Secret.`),
        password: text.optional().describe(`${hostFields.password.description} Secret.`),
        passwordEnv: z
          .string({ error: "must be the name of an environment variable" })
          .regex(/^[A-Za-z_]\w*$/, { error: "must be the name of an environment variable, not a password" })
          .optional()
          .describe("Name of the environment variable that holds the password, which then enters no state."),
        agent: flag.optional().describe(`${hostFields.agent.description} Default: \`false\`.`),
        hostKey: z
          .union([text, z.array(text).min(1)], {
            error: "must be a SHA256:… fingerprint, a known_hosts line, or a list of them",
          })
          .optional()
          .describe(hostFields.hostKey.description),
        trustOnFirstUse: flag
          .optional()
          .describe("Whether the first host key that is seen is pinned. It must match from then on. Default: `false`."),
        proxyJump: proxyJump.optional().describe(hostFields.proxyJump.description),
        timeout: z
          .number({ error: "must be a number of seconds" })
          .min(1, { error: "must be at least 1 second" })
          .max(3600, { error: "must be at most 3600 seconds" })
          .optional()
          .describe(
            `Limit of a connection and of each short step, in seconds. Default: \`${DEFAULT_TIMEOUT}\`. Packages and a new repository take longer limits.`,
          ),
      },
      {
        error: ({ code, keys }) => (code === "unrecognized_keys" ? `has no argument ${keys.join(", ")}` : CONNECTION),
      },
    );
  const remote = machine(jumps.schema);
  // A union would report only that neither form matches.
  const schema = z.unknown().transform((given, context) => {
    if (given === "local") return given;
    const { data, error } = remote.safeParse(given);
    for (const { path, message } of error?.issues ?? []) {
      // The failures of jump hosts name their place themselves.
      const place = path[0] === "proxyJump" ? "" : path.join(".");
      context.addIssue({ code: "custom", message: place ? `${place} ${message}` : message });
    }
    return data as MachineConnection;
  });
  const documented = machine(jumps.documentedAs).meta({
    id: "MachineConnection",
    description: "An account on a host, verified as strictly as that of an `SshConnection`.",
  });
  return { schema: schema as z.ZodType<MachineConnection>, documentedAs: z.union([z.enum(["local"]), documented]) };
}

export function retentionSchema(z: Zod) {
  const count = (unit: string) =>
    z
      .int({ error: "must be a whole number" })
      .min(0, { error: "must not be negative" })
      .optional()
      .describe(`Number of ${unit} archives to keep.`);
  return z
    .strictObject(
      {
        within: z
          .string({ error: "must be a text" })
          .regex(/^[1-9]\d*[SMHdwmy]$/, { error: 'must be a number and a unit of "H", "d", "w", "m" or "y"' })
          .optional()
          .describe("Span in which every archive is kept, for example `2d`."),
        secondly: count("secondly"),
        minutely: count("minutely"),
        hourly: count("hourly"),
        daily: count("daily"),
        weekly: count("weekly"),
        monthly: count("monthly"),
        yearly: count("yearly"),
      },
      { error: unknownOr("must be { within, hourly, daily, weekly, monthly, yearly }") },
    )
    .meta({ id: "Retention", description: "Archives that a prune keeps. All others of the job are deleted." });
}

export function checksSchema(z: Zod) {
  const check = z
    .strictObject(
      {
        name: z
          .enum(["repository", "archives", "data", "extract"], {
            error: 'must be "repository", "archives", "data" or "extract"',
          })
          .describe("What is checked. `data` reads and verifies every archive."),
        frequency: z
          .string({ error: "must be a text" })
          .regex(/^(always|[1-9]\d* (second|minute|hour|day|week|month|year)s?)$/, {
            error: 'must be "always" or a span such as "1 month"',
          })
          .optional()
          .describe("Least time between two checks, for example `1 month`. Default: every run."),
      },
      { error: unknownOr("must be { name, frequency }") },
    )
    .meta({ id: "BackupCheck", description: "A check of the repository after a backup." });
  return z.array(check, { error: "must be a list of { name, frequency }" });
}

export function scheduleSchema(z: Zod) {
  const line = (error: string) =>
    z
      .string({ error })
      .trim()
      .min(1, { error })
      .regex(/^[^\r\n]*$/, { error: "must be one line" });
  const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
  const at = z
    .string({ error: "must be a time such as 02:30" })
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: "must be a time such as 02:30" })
    .describe("Time of the day in the host's time zone, `HH:MM`.");
  const variants = z
    .union(
      [
        z.strictObject({
          at,
          days: z
            .array(z.enum(days))
            .min(1)
            .optional()
            .describe("Days of the week: `mon` to `sun`. Default: every day."),
        }),
        z.strictObject({
          onCalendar: line("must be a calendar expression").describe(
            "Calendar expression of systemd, for example `Mon..Fri 02:30`. Not for cron.",
          ),
        }),
        z.strictObject({
          cron: line("must be a cron expression").describe(
            "Five fields of cron, or `@hourly` to `@yearly`. systemd gets the same times.",
          ),
        }),
      ],
      { error: 'must be "daily", "none", { at: "HH:MM", days: ["mon", …] }, { onCalendar } or { cron }' },
    )
    .meta({ id: "BackupSchedule", description: "Times of a job: `at`, `onCalendar` or `cron`." });
  return z.union([z.enum(["daily", "none"]), variants], {
    error: 'must be "daily", "none", { at: "HH:MM", days: ["mon", …] }, { onCalendar } or { cron }',
  });
}

export function hooksSchema(z: Zod) {
  const commands = z.array(z.string({ error: "must be a text" }).min(1, { error: "must not be empty" }), {
    error: "must be a list of commands",
  });
  return z
    .strictObject(
      {
        before: commands.optional().describe("Commands before a backup. A failure skips the backup."),
        after: commands.optional().describe("Commands after a successful backup."),
        onError: commands.optional().describe("Commands after a failure. `{error}` is its text."),
      },
      { error: unknownOr("must be { before, after, onError }") },
    )
    .meta({ id: "BackupHooks", description: "Commands of the host's shell, run as the job's user." });
}

export function minimumSchema(z: Zod) {
  const version = z
    .string({ error: "must be a version such as 1.2.0" })
    .regex(/^\d+(\.\d+){1,2}$/, { error: "must be a version such as 1.2.0" });
  return z
    .strictObject(
      {
        borg: version.optional().describe("Default: `1.2.0`."),
        borgmatic: version.optional().describe("Default: `1.7.0`."),
      },
      { error: unknownOr("must be { borg, borgmatic }") },
    )
    .meta({ id: "MinimumVersions", description: "Oldest versions that a host may have." });
}

function unknownOr(shape: string) {
  return ({ code, keys }: { code?: string; keys?: string[] }) =>
    code === "unrecognized_keys" ? `has no argument ${keys?.join(", ")}` : shape;
}
