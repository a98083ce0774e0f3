import { randomBytes } from "node:crypto";
import { GraphQLError } from "graphql";
import { checkName } from "./checkName";
import { isoTime } from "./clock";
import type { Context } from "./context";
import { inOrder, listOwned } from "./listing";
import { BORGBASE_PATHS } from "./repoStorage";
import { unsetValue } from "./serverVariants";
import { keyResult } from "./sshKeys";
import type { Account, Repo } from "./store";

const KEY_LISTS = ["appendOnlyKeys", "fullAccessKeys", "rsyncKeys"] as const;

/** Settings of repoAdd and repoEdit, by their names in the schema. */
const SETTINGS = [
  "name",
  "quota",
  "quotaEnabled",
  "alertDays",
  "appendOnly",
  ...KEY_LISTS,
  "borgVersion",
  "sftpEnabled",
  "compactionEnabled",
  "compactionInterval",
  "compactionIntervalUnit",
  "compactionHour",
  "compactionHourTimezone",
] as const;

type Settings = Pick<Repo, (typeof SETTINGS)[number]>;
type SettingsInput = { [K in keyof Settings]?: Settings[K] | null };

/** Settings of a new repository, from the acceptance tests of gjabell/terraform-provider-borgbase. */
const NEW_REPO: Settings = {
  name: "",
  quota: 0,
  quotaEnabled: false,
  alertDays: 0,
  appendOnly: false,
  appendOnlyKeys: [],
  fullAccessKeys: [],
  rsyncKeys: [],
  borgVersion: "LATEST",
  sftpEnabled: false,
  compactionEnabled: false,
  compactionInterval: 6,
  compactionIntervalUnit: "weeks",
  compactionHour: 14,
  compactionHourTimezone: "UTC",
};

/** Values of known clients, and further values of a `newer` server. */
const REGIONS = { known: ["eu", "us"], newer: ["ap"] };
const FORMATS = { known: ["borg1", "restic"], newer: ["vykar"] };
const BORG_VERSIONS = { known: ["LATEST", "V_1_1_X", "V_1_2_X", "V_1_4_X"], newer: ["V_2_0_X"] };

const LOCATIONS: Record<string, string> = { eu: "Europe", us: "United States", ap: "Asia Pacific" };

export function repoList(context: Context, account: Account, args: { name?: string | null }) {
  return listOwned(context, context.store.repos.values(), account, args.name).map((repo) => repoResult(context, repo));
}

export function repo(context: Context, account: Account, args: { repoId: string }) {
  const found = findRepo(context, account, args.repoId);
  return found && repoResult(context, found);
}

export function repoAdd(
  context: Context,
  account: Account,
  args: SettingsInput & { region: string; format?: string | null },
) {
  const { repoLimit } = context.variants;
  const count = [...context.store.repos.values()].filter((other) => other.account === account.email).length;
  // The wording of the real API: kiwix/borg-backup#33.
  if (repoLimit !== null && count >= repoLimit) throw new GraphQLError("Over quota or too many repos.");
  oneOf(context, "region", args.region, REGIONS);
  const format = args.format ?? "borg1";
  oneOf(context, "format", format, FORMATS);
  const added: Repo = {
    ...NEW_REPO,
    ...readSettings(context, account, args),
    id: context.store.newRepoId(),
    account: account.email,
    region: args.region,
    format,
    htpasswd: format === "restic" ? randomBytes(16).toString("hex") : null,
    createdAt: isoTime(context.clock.now()),
    pretended: null,
  };
  context.store.saveRepo(added);
  return { repoAdded: repoResult(context, added) };
}

export function repoEdit(
  context: Context,
  account: Account,
  args: SettingsInput & { id: string; region?: string | null },
) {
  const edited = findRepo(context, account, args.id);
  if (!edited) return null;
  if (args.region && args.region !== edited.region) {
    oneOf(context, "region", args.region, REGIONS);
    throw new GraphQLError("The region of a repository cannot be changed.");
  }
  Object.assign(edited, readSettings(context, account, args));
  context.store.saveRepo(edited);
  return { repoEdited: repoResult(context, edited) };
}

export async function repoDelete(context: Context, account: Account, args: { id: string }) {
  const deleted = findRepo(context, account, args.id);
  if (!deleted) return null;
  context.store.deleteRepo(deleted.id);
  // Data is removed last: after a kill in between, no listed repository may lack its backups.
  await context.store.commit();
  await context.storage.remove(deleted);
  return { ok: true };
}

export async function repoCompact(context: Context, account: Account, args: { id: string }) {
  const compacted = findRepo(context, account, args.id);
  if (!compacted) return null;
  if (compacted.format !== "borg1") {
    throw new GraphQLError(`Only borg compacts on the server: this repository has the format ${compacted.format}.`);
  }
  await context.storage.compact(compacted);
  return { ok: true };
}

/** A repository of the account; undefined only with `missing=null`. Error text: clevyr/borgbase-operator, client tests. */
function findRepo(context: Context, account: Account, id: string): Repo | undefined {
  const found = context.store.repos.get(id);
  if (found?.account === account.email) return found;
  if (context.variants.missing === "null") return undefined;
  throw new GraphQLError("Repository not found");
}

/** The valid settings among the arguments. Null counts as unset, except for key lists, where the real API fails. */
function readSettings(context: Context, account: Account, args: SettingsInput): Partial<Settings> {
  const settings: Record<string, unknown> = {};
  for (const name of SETTINGS) {
    const value = args[name];
    if (value === undefined) continue;
    if (value !== null) settings[name] = Array.isArray(value) ? keyIds(context, account, value) : value;
    // The wording of the real API: adhawkins/ansible-borgbase#18.
    else if (isKeyList(name)) throw new GraphQLError("'NoneType' object is not iterable");
  }
  checkSettings(context, settings);
  return settings;
}

function isKeyList(name: string): boolean {
  return (KEY_LISTS as readonly string[]).includes(name);
}

function keyIds(context: Context, account: Account, ids: readonly (string | null)[]): string[] {
  for (const id of ids) {
    const key = id === null ? undefined : context.store.keys.get(id);
    if (key?.account !== account.email) throw new GraphQLError(`SSH key ${id} not found`);
  }
  return [...new Set(ids as string[])];
}

function checkSettings(context: Context, settings: Partial<Settings>): void {
  const { name, quota, alertDays, borgVersion, compactionInterval, compactionIntervalUnit, compactionHour } = settings;
  if (name !== undefined) checkName(name);
  if (quota !== undefined) between("quota", quota, 0, Number.MAX_SAFE_INTEGER);
  if (alertDays !== undefined) between("alertDays", alertDays, 0, Number.MAX_SAFE_INTEGER);
  if (borgVersion !== undefined) oneOf(context, "borgVersion", borgVersion, BORG_VERSIONS);
  if (compactionInterval !== undefined) between("compactionInterval", compactionInterval, 1, 24);
  if (compactionHour !== undefined) between("compactionHour", compactionHour, 0, 23);
  if (compactionIntervalUnit !== undefined) {
    oneOf(context, "compactionIntervalUnit", compactionIntervalUnit, { known: ["days", "weeks", "months"], newer: [] });
  }
  const zone = settings.compactionHourTimezone;
  if (zone !== undefined && !isTimezone(zone)) throw new GraphQLError(`Invalid compactionHourTimezone: ${zone}`);
}

function oneOf(context: Context, name: string, value: string, values: { known: string[]; newer: string[] }): void {
  if (values.known.includes(value) || (context.variants.newer && values.newer.includes(value))) return;
  throw new GraphQLError(`Invalid ${name}: ${value}`);
}

function between(name: string, value: number, low: number, high: number): void {
  if (value < low || value > high) throw new GraphQLError(`Invalid ${name}: ${value}`);
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** A repository as `RepoType`. GraphQL calls a function only when its field is selected. */
function repoResult(context: Context, repo: Repo) {
  const { variants, storage, store } = context;
  const keyList = (ids: string[]) =>
    ids.length || variants.emptyKeys === "list" ? inOrder(ids, variants.keyOrder) : null;
  const keyObjects = (ids: string[]) =>
    inOrder(ids, variants.keyOrder).flatMap((id) => {
      const key = store.keys.get(id);
      return key ? [keyResult(context, key)] : [];
    });
  const orNull = (value: number) => (value === 0 && variants.zero === "null" ? null : value);
  // One response reads the disk once.
  let usage: ReturnType<typeof storage.usage> | undefined;
  const used = async () => {
    usage ??= repo.pretended ?? storage.usage(repo);
    return usage;
  };
  const { account: _, pretended: __, ...fields } = repo;
  return {
    ...fields,
    quota: orNull(repo.quota),
    alertDays: orNull(repo.alertDays),
    appendOnlyKeys: keyList(repo.appendOnlyKeys),
    fullAccessKeys: keyList(repo.fullAccessKeys),
    rsyncKeys: keyList(repo.rsyncKeys),
    appendOnlyKeyList: () => keyObjects(repo.appendOnlyKeys),
    fullAccessKeyList: () => keyObjects(repo.fullAccessKeys),
    htpasswd: repo.htpasswd ?? unsetValue(context.variants),
    resticVersion: unsetValue(context.variants),
    vgerToken: unsetValue(context.variants),
    accessMode: unsetValue(context.variants),
    encryption: () => storage.encryption(repo),
    currentUsage: async () => (await used()).currentUsage,
    lastModified: async () => (await used()).lastModified ?? unsetValue(context.variants),
    repoPath: () => repoPath(context, repo),
    server: () => serverResult(context, repo),
  };
}

function repoPath({ variants, storage }: Context, repo: Repo): string {
  const withPassword = variants.resticPath === "password";
  const { borgPath, resticPath } = variants.addresses === "borgbase" ? BORGBASE_PATHS : storage;
  return repo.format === "restic" ? resticPath(repo, withPassword) : borgPath(repo);
}

/** `hostname` is the physical machine and must not resolve: clients have to take the address from repoPath. */
function serverResult(context: Context, repo: Repo) {
  const { rsa, ecdsa, ed25519 } = context.storage.fingerprints;
  return {
    id: repo.region === "us" ? "2" : "1",
    hostname: `box-${repo.region}00.borgbase.invalid`,
    region: repo.region,
    public: true,
    location: LOCATIONS[repo.region],
    fingerprintRsa: rsa,
    fingerprintEcdsa: ecdsa,
    fingerprintEd25519: ed25519,
  };
}
