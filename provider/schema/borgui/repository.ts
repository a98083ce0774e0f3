import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import { canonicalZone } from "../../timeZone";
import { defineResource, type InputsOf, input, output, type StateOf, type Zod } from "../define";
import { cleared, cron, serverId, zone } from "./fields";

export const repositorySchema = defineResource(
  {
    type: "borgui.Repository",
    description:
      "A borg repository that a Borg UI server backs up to: made with `borg init`, opened once as a proof, and checked on a schedule. " +
      "Deleting the resource takes it out of Borg UI and leaves its archives where they are.",
    errors: [
      "A place that holds a repository already is refused, unless `adopt` is true. Borg UI would take it with any passphrase.",
      "A repository that does not open with its passphrase is refused, and no row stays behind.",
      "A repository that a backup plan uses is not deleted. The error names the plans.",
      "Another `encryption` at the same place is refused, as borg fixes it when a repository is made.",
    ],
    import:
      "`existingId` adopts a repository of Borg UI, `adopt` one that is only on disk. The plugin imports it by its id. No call returns a passphrase.",
    get: "Reads a repository by Borg UI's id. It is never changed or deleted.",
    listBy: "name",
  },
  (z) => {
    const text = z.string({ error: "must be a text" });
    const filled = text.min(1, { error: "must not be empty" });
    const texts = z.array(filled, { error: "must be a list of texts" });
    return {
      name: input(filled.trim(), {
        description: "Name in Borg UI.",
        default: ({ context }) => context.name,
        defaultDescription: "the resource's own name at creation",
      }),
      connectionId: input(serverId(z, "a connection"), {
        documentedAs: z.string(),
        description: "Id of the `borgui.Connection` to the host of the repository.",
        defaultDescription: "the server's own disk",
        forceNew: true,
        output: "whenSet",
      }),
      path: input(filled.regex(/^(?!ssh:)/, { error: "must be a path: the connection tells the host" }), {
        description:
          "Path of the repository: `/./repo` at BorgBase. Always from the root, so give relative ones as `/./PATH`.",
        required: true,
        forceNew: true,
        equals: (declared, actual) => plain(declared) === plain(String(actual)),
      }),
      encryption: input(z.enum(ENCRYPTIONS, { error: `must be one of ${ENCRYPTIONS.join(", ")}` }), {
        description: "Encryption, as `borg init` names it.",
        default: "repokey",
        forceNew: true,
      }),
      passphrase: input(filled, {
        description: 'Passphrase. Required, except for `encryption: "none"`. Borg UI cannot change it: see the guide.',
        secret: true,
        forceNew: true,
        output: "whenSet",
        // No call returns it: the one of an adopted repository is taken as it is.
        equals: (declared, actual) => actual === undefined || declared === actual,
      }),
      compression: input(filled, { description: "Compression, as `borg create` names it.", default: "lz4" }),
      sourceDirectories: input(texts, {
        description: "Folders of the server that the repository's own backups read.",
        default: [],
      }),
      excludePatterns: input(texts, { description: "Patterns that those backups leave out, in order.", default: [] }),
      customFlags: input(text, { description: "Further options of `borg create`.", ...cleared }),
      uploadRateLimitKib: input(z.int({ error: "must be a whole number" }).min(0, { error: "must not be negative" }), {
        description: "Limit of the upload. `0`: none.",
        unit: "KiB/s",
        default: 0,
      }),
      remotePath: input(text, { description: "borg's program at the host, for example `borg-1.4`.", ...cleared }),
      mode: input(z.enum(["full", "observe"], { error: 'must be "full" or "observe"' }), {
        description: "`full`: Borg UI backs up to it. `observe`: Borg UI shows it.",
        default: "full",
      }),
      checkSchedule: input(checkScheduleSchema(z), {
        description: "When `borg check` runs. Unset: never.",
        default: NEVER,
        defaultDescription: "never",
        output: "whenSet",
        equals: isSameSchedule,
      }),
      adopt: input(z.boolean({ error: "must be true or false" }), {
        description:
          "Whether a repository that is at the place already is taken over, once `passphrase` opens it. Read at creation only.",
        default: false,
        connectionOnly: true,
        output: "never",
      }),
      forceDestroy: input(z.boolean({ error: "must be true or false" }), {
        description:
          "Whether deleting the resource erases a repository on the server's own disk, with its archives. Counts as of the last deployment.",
        default: false,
        steersDeletion: "next",
        equals: (declared, actual) => declared === (actual ?? false),
      }),
      existingId: input(serverId(z, "a repository"), {
        documentedAs: z.string(),
        description: "Id of a repository in Borg UI to adopt instead of making one. Read at creation only.",
        adoptId: true,
        plain: true,
        output: "never",
      }),
      url: output(z.string(), { description: "Address of the repository for `borg`, as Borg UI has built it." }),
    };
  },
);

const ENCRYPTIONS = ["repokey", "repokey-blake2", "keyfile", "keyfile-blake2", "none"] as const;

export type RepositoryInputs = InputsOf<typeof repositorySchema>;
export type RepositoryState = StateOf<typeof repositorySchema> & { __server?: string };
type Schedule = z.output<ReturnType<typeof checkScheduleSchema>>;

/** The value of a removed `checkSchedule` in the inputs, where a value has to stand. */
export const NEVER = {} as Schedule;

export const isNever = (schedule: Schedule | undefined) => schedule?.cron === undefined;

/** A path without the slashes at its start, which Borg UI adds. */
export function plain(path: string): string {
  return path.trim().replace(/^\/+/, "").replace(/\/+$/, "");
}

function checkScheduleSchema(z: Zod) {
  return z
    .strictObject(
      {
        cron: cron(z).describe("Cron expression with five fields."),
        timezone: zone(z).optional().describe("IANA time zone. Default: `UTC`."),
        maxDuration: z
          .int({ error: "must be a whole number of seconds" })
          .min(0, { error: "must not be negative" })
          .optional()
          .describe("Limit in seconds, after which a check pauses; `0`: none. Default: the server's."),
      },
      { error: "must be { cron, timezone, maxDuration }" },
    )
    .meta({ id: "borgui.CheckSchedule", description: "When `borg check` runs." });
}

function isSameSchedule(declared: Schedule, state: unknown): boolean {
  const actual = state as Schedule | undefined;
  if (isNever(declared) || actual === undefined) return isNever(declared) === isNever(actual);
  const comparable = ({ cron, timezone = "UTC", maxDuration = actual.maxDuration }: Schedule) => ({
    cron,
    timezone: canonicalZone(timezone),
    maxDuration,
  });
  return isDeepStrictEqual(comparable(declared), comparable(actual));
}
