import { isDeepStrictEqual } from "node:util";
import type { RemoteRepo, RepoArguments } from "../api";
import { type Failure, ProviderError } from "../errors";
import { differences } from "../lifecycle";
import { once } from "../once";
import type { Context, Fields, Resource } from "../resource";
import { canonicalZone } from "../timeZone";
import { assertMayReplace, assertOwner, ownerOfAddition, rememberOwner } from "./account";

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
  /** Take over the repository with this id instead of adding one. Read at creation only. */
  existingId?: string;
}

/** Where a repository lives. The fingerprints are `SHA256:…`, of the host that `repoPath` names. */
export interface RepoServer {
  hostname?: string;
  region?: string;
  location?: string;
  fingerprintRsa?: string;
  fingerprintEcdsa?: string;
  fingerprintEd25519?: string;
}

/** The outputs of a `Repo`: every argument as the API holds it, and what only the API knows. Its id is BorgBase's. */
export interface RepoState {
  name: string;
  region: string;
  format: string;
  /** MB; 0: no quota. */
  quota: number;
  alertDays: number;
  appendOnlyKeys: string[];
  fullAccessKeys: string[];
  rsyncKeys: string[];
  appendOnly: boolean;
  sftpEnabled: boolean;
  /** Absent where the format is not borg's. */
  borgVersion?: string;
  /** Absent: off. */
  compaction?: Compaction;
  forceDestroy: boolean;
  /** What `borg` takes as its repository, for example `ssh://ID@ID.repo.borgbase.com/./repo`. Holds no password. */
  repoPath: string;
  /** What `restic` takes as its repository, password included. Restic repositories only. Secret. */
  resticUrl?: string;
  /** The password of restic's REST protocol. Secret. */
  htpasswd?: string;
  server: RepoServer;
  /** ISO 8601. */
  createdAt?: string;
  /** Whose it is: the user name of the account, where the token may ask. */
  __account?: string;
}

const ignoringCase = (declared: string, actual: unknown) => declared.toLowerCase() === String(actual).toLowerCase();

const fields = once(makeFields);

async function makeFields(): Promise<Fields<RepoInputs>> {
  const { z } = await import("../zod.js");
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
    forceDestroy: { schema: yes, reset: () => false },
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
const isOff = (compaction: Compaction | undefined) => compaction?.interval === undefined;

function isSameCompaction(declared: Compaction, state: unknown): boolean {
  const actual = state as Compaction | undefined;
  if (isOff(declared) || actual === undefined) return isOff(declared) === isOff(actual);
  return isDeepStrictEqual(
    { ...declared, timezone: canonicalZone(declared.timezone) },
    { ...actual, timezone: canonicalZone(actual.timezone) },
  );
}

function rules({ format, borgVersion }: Partial<RepoInputs>): Failure[] {
  if (borgVersion === undefined || hasBorgVersion(format)) return [];
  return [
    { property: "borgVersion", reason: `is for borg repositories only, and format is "${format}": leave it out` },
  ];
}

/** The remote's shape as state. `kept` is what the remote does not know. */
export function toState(remote: RemoteRepo, kept: Partial<RepoState>): RepoState {
  const path = splitPassword(remote.repoPath);
  const isRestic = remote.format.toLowerCase() === "restic";
  const password = remote.htpasswd ?? path.password;
  return {
    name: remote.name,
    region: remote.region,
    format: remote.format,
    quota: remote.quotaEnabled ? Math.round(remote.quota) : 0,
    alertDays: remote.alertDays,
    appendOnlyKeys: remote.appendOnlyKeys,
    fullAccessKeys: remote.fullAccessKeys,
    rsyncKeys: remote.rsyncKeys,
    appendOnly: remote.appendOnly,
    sftpEnabled: remote.sftpEnabled,
    ...(remote.borgVersion && !isRestic && { borgVersion: remote.borgVersion }),
    ...(remote.compactionEnabled && { compaction: compactionOf(remote) }),
    forceDestroy: kept.forceDestroy ?? false,
    repoPath: path.plain,
    ...(isRestic && password && { resticUrl: resticUrl(remote.id, path.plain, password) }),
    ...(password && { htpasswd: password }),
    server: JSON.parse(JSON.stringify(remote.server ?? {})),
    ...(remote.createdAt && { createdAt: remote.createdAt }),
    ...(kept.__account && { __account: kept.__account }),
  };
}

function compactionOf(remote: RemoteRepo): Compaction {
  return {
    interval: remote.compactionInterval,
    unit: (remote.compactionIntervalUnit ?? "weeks").toLowerCase() as Compaction["unit"],
    hour: remote.compactionHour,
    timezone: remote.compactionHourTimezone ?? "UTC",
  };
}

const WITH_PASSWORD = /^((?:rest:)?https?:\/\/)([^:/@]*):([^@/]*)@/;

function splitPassword(path: string): { plain: string; password: string | undefined } {
  const password = WITH_PASSWORD.exec(path)?.[3];
  return { plain: path.replace(WITH_PASSWORD, "$1"), password: password && decodeURIComponent(password) };
}

/** `rest:https://ID:PASSWORD@ID.repo.borgbase.com` (clevyr/borgbase-operator), or at the address that the API names. */
function resticUrl(id: string, path: string, password: string): string {
  const address = /^(?:rest:)?(https?:\/\/.*)$/.exec(path)?.[1] ?? `https://${id}.repo.borgbase.com`;
  const url = new URL(address);
  url.username = id;
  url.password = password;
  return `rest:${url.href}`;
}

/** What a repository is created with where the program says nothing. */
function withDefaults(inputs: RepoInputs, context: Context): RepoInputs & { name: string } {
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

/** The API's arguments for the named ones of ours. `forceDestroy` and `existingId` are none of the API's business. */
function toArguments(inputs: RepoInputs, names: readonly string[]): RepoArguments {
  const { quota, compaction, forceDestroy: _, existingId: __, ...plain } = inputs;
  const has = (name: keyof RepoInputs) => names.includes(name) && inputs[name] !== undefined;
  return {
    ...Object.fromEntries(Object.entries(plain).filter(([name]) => names.includes(name))),
    ...(has("quota") && (quota ? { quotaEnabled: true, quota } : { quotaEnabled: false })),
    ...(has("compaction") &&
      (compaction && !isOff(compaction)
        ? {
            compactionEnabled: true,
            compactionInterval: compaction.interval,
            compactionIntervalUnit: compaction.unit,
            compactionHour: compaction.hour,
            compactionHourTimezone: compaction.timezone,
          }
        : { compactionEnabled: false })),
  };
}

/** Brings a repository that is there to what the program says: one request with what differs, or none. */
async function ensure(remote: RemoteRepo, kept: Partial<RepoState>, inputs: RepoInputs, context: Context) {
  const actual = toState(remote, kept);
  const changes = toArguments(inputs, await differences(await fields(), inputs, actual));
  const after = { ...kept, forceDestroy: inputs.forceDestroy ?? kept.forceDestroy ?? false };
  if (Object.keys(changes).length === 0) return toState(remote, after);
  const { repos } = await context.api();
  return toState(await repos.edit(remote.id, changes), after);
}

/** The repository to take over. */
async function find(id: string, inputs: Partial<RepoInputs>, context: Context): Promise<RemoteRepo> {
  const { repos } = await context.api();
  const remote = await repos.get(id);
  if (!remote) throw new ProviderError("notFound", `The account has no repository ${id} to take over (existingId).`);
  assertAdoptable(remote, inputs);
  return remote;
}

/** Region and format are fixed at creation, so a repository that differs there cannot become what the program says. */
function assertAdoptable(remote: RemoteRepo, inputs: Partial<RepoInputs>): void {
  for (const name of ["region", "format"] as const) {
    const declared = inputs[name];
    if (declared === undefined || ignoringCase(declared, remote[name])) continue;
    throw new ProviderError(
      "refused",
      `The repository ${remote.id} to take over has the ${name} "${remote[name]}", which cannot be changed: give ${name}: "${remote[name]}", not "${declared}".`,
    );
  }
}

function assertNoData(remote: RemoteRepo, what: string, toKeep: string): void {
  if (!(remote.currentUsage > 0) && !remote.lastModified) return;
  const facts = [
    remote.currentUsage > 0 ? `${Number(remote.currentUsage.toFixed(1))} MB` : "",
    remote.lastModified ? `last modified ${remote.lastModified}` : "",
  ].filter(Boolean);
  throw new ProviderError(
    "refused",
    `The repository "${remote.name}" (${remote.id}) holds backups (${facts.join(", ")}), so it is not ${what}. ` +
      `To erase them for good, set forceDestroy: true and run \`pulumi up\` first; to keep them, ${toKeep}.`,
  );
}

/** A backup repository at BorgBase. */
export const repo: Resource<RepoInputs, RepoState> = {
  type: "Repo",
  drifts: true,
  fields,
  rules,

  async adoption(inputs, unknown, context) {
    if (inputs.existingId === undefined) return [];
    const remote = await find(inputs.existingId, inputs, context);
    const actual = toState(remote, {});
    const changed = await differences(await fields(), inputs as RepoInputs, actual);
    const line = (name: string, value: string) => `  ${name}: ${show(actual[name as keyof RepoState])} => ${value}`;
    const lines = [
      ...changed.map((name) => line(name, show(inputs[name]))),
      ...[...unknown].map((name) => line(name, "not known before the deployment")),
    ];
    return [
      `takes over the repository ${remote.id}; it changes ${lines.length ? "" : "nothing of it"}`.trim(),
      ...lines,
    ];
  },

  async create(inputs, context) {
    const __account = await ownerOfAddition(context);
    const { repos } = await context.api();
    if (inputs.existingId !== undefined) {
      const remote = await find(inputs.existingId, inputs, context);
      return { id: remote.id, state: await ensure(remote, { ...(__account && { __account }) }, inputs, context) };
    }
    const wanted = withDefaults(inputs, context);
    const args = toArguments(wanted, Object.keys(wanted));
    const added = await repos.add({ ...args, name: wanted.name, region: inputs.region }, context.origin);
    const { item, recovered, lookalikes } = added;
    const kept = { forceDestroy: inputs.forceDestroy ?? false, ...(__account && { __account }) };
    const state = recovered ? await ensure(item, kept, wanted, context) : toState(item, kept);
    return { id: item.id, state, recovered, lookalikes };
  },

  async read(id, state, context) {
    const { repos } = await context.api();
    const remote = await repos.get(id);
    if (remote) {
      // It is there, so it is of the token's account, whatever that was called before.
      const __account = (await rememberOwner(context)) ?? state.__account;
      return toState(remote, { ...state, ...(__account && { __account }) });
    }
    await assertOwner(`repository ${id}`, state.__account, (await repos.all()).length, context);
    return undefined;
  },

  async update(id, state, inputs, context) {
    const { repos } = await context.api();
    const remote = await repos.get(id);
    if (remote) return ensure(remote, state, inputs, context);
    await assertOwner(`repository ${id}`, state.__account, (await repos.all()).length, context);
    throw new ProviderError(
      "notFound",
      `The repository ${id} is gone from BorgBase: run \`pulumi refresh\`, and the next \`pulumi up\` makes a new one.`,
    );
  },

  async beforeReplace(id, state, changed, context) {
    await assertMayReplace(`the repository ${id}`, context);
    if (state.forceDestroy) return;
    const remote = await (await context.api()).repos.current(id);
    if (!remote) return;
    const what = changed.join(" and ");
    assertNoData(remote, `replaced for another ${what}`, `put ${what} back and declare a second repository`);
  },

  async delete(id, state, context) {
    const { repos } = await context.api();
    const remote = await repos.current(id);
    if (remote && !state.forceDestroy) assertNoData(remote, "deleted", "set retainOnDelete: true");
    if (remote && (await repos.delete(id))) return;
    await assertOwner(`repository ${id}`, state.__account, (await repos.all()).length, context);
  },
};

function show(value: unknown): string {
  return value === undefined || (typeof value === "object" && Object.keys(value ?? {}).length === 0)
    ? "none"
    : JSON.stringify(value);
}
