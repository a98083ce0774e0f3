import { randomBytes } from "node:crypto";
import { GraphQLError } from "graphql";
import { checkName, listed, ordered, unset } from "./answers";
import { isoTime } from "./clock";
import { BORGBASE_PATHS } from "./repoStorage";
import { keyAnswer } from "./sshKeys";
import type { Account, Repo } from "./store";
import type { World } from "./world";

const KEY_LISTS = ["appendOnlyKeys", "fullAccessKeys", "rsyncKeys"] as const;

/** What repoAdd and repoEdit may set, by the names of the schema. */
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
type Given = { [K in keyof Settings]?: Settings[K] | null };

/** A repository nobody has changed, as the acceptance tests of gjabell/terraform-provider-borgbase saw it. */
const FRESH: Settings = {
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

/** Values of today, by clients of today; the others are what a `newer` server takes. */
const REGIONS = { known: ["eu", "us"], newer: ["ap"] };
const FORMATS = { known: ["borg1", "restic"], newer: ["vykar"] };
const BORG_VERSIONS = { known: ["LATEST", "V_1_1_X", "V_1_2_X", "V_1_4_X"], newer: ["V_2_0_X"] };

const LOCATIONS: Record<string, string> = { eu: "Europe", us: "United States", ap: "Asia Pacific" };

export function repoList(world: World, account: Account, args: { name?: string | null }) {
  return listed(world, world.store.repos.values(), account, args.name).map((repo) => repoAnswer(world, repo));
}

export function repo(world: World, account: Account, args: { repoId: string }) {
  const found = find(world, account, args.repoId);
  return found && repoAnswer(world, found);
}

export function repoAdd(world: World, account: Account, args: Given & { region: string; format?: string | null }) {
  const { repoLimit } = world.variants;
  const count = [...world.store.repos.values()].filter((other) => other.account === account.email).length;
  // The wording of the real API: kiwix/borg-backup#33.
  if (repoLimit !== null && count >= repoLimit) throw new GraphQLError("Over quota or too many repos.");
  oneOf(world, "region", args.region, REGIONS);
  const format = args.format ?? "borg1";
  oneOf(world, "format", format, FORMATS);
  const added: Repo = {
    ...FRESH,
    ...given(world, account, args),
    id: world.store.newRepoId(),
    account: account.email,
    region: args.region,
    format,
    htpasswd: format === "restic" ? randomBytes(16).toString("hex") : null,
    createdAt: isoTime(world.clock.now()),
    pretended: null,
  };
  world.store.saveRepo(added);
  return { repoAdded: repoAnswer(world, added) };
}

export function repoEdit(world: World, account: Account, args: Given & { id: string; region?: string | null }) {
  const edited = find(world, account, args.id);
  if (!edited) return null;
  if (args.region && args.region !== edited.region) {
    oneOf(world, "region", args.region, REGIONS);
    throw new GraphQLError("The region of a repository cannot be changed.");
  }
  Object.assign(edited, given(world, account, args));
  world.store.saveRepo(edited);
  return { repoEdited: repoAnswer(world, edited) };
}

export async function repoDelete(world: World, account: Account, args: { id: string }) {
  const deleted = find(world, account, args.id);
  if (!deleted) return null;
  world.store.deleteRepo(deleted.id);
  // Data goes last: killed in between, the emulator must not list a repository whose backups are gone.
  await world.store.commit();
  await world.storage.remove(deleted);
  return { ok: true };
}

export async function repoCompact(world: World, account: Account, args: { id: string }) {
  const compacted = find(world, account, args.id);
  if (!compacted) return null;
  if (compacted.format !== "borg1") {
    throw new GraphQLError(`Only borg compacts on the server: this repository has the format ${compacted.format}.`);
  }
  await world.storage.compact(compacted);
  return { ok: true };
}

/** Undefined only where the variants want null for what is missing. Words: clevyr/borgbase-operator, client tests. */
function find(world: World, account: Account, id: string): Repo | undefined {
  const found = world.store.repos.get(id);
  if (found?.account === account.email) return found;
  if (world.variants.missing === "null") return undefined;
  throw new GraphQLError("Repository not found");
}

/** The settings that were given, checked. Null is "not given", but for key lists, where the real API stumbles. */
function given(world: World, account: Account, args: Given): Partial<Settings> {
  const settings: Record<string, unknown> = {};
  for (const name of SETTINGS) {
    const value = args[name];
    if (value === undefined) continue;
    if (value !== null) settings[name] = Array.isArray(value) ? keyIds(world, account, value) : value;
    // The wording of the real API: adhawkins/ansible-borgbase#18.
    else if (isKeyList(name)) throw new GraphQLError("'NoneType' object is not iterable");
  }
  check(world, settings);
  return settings;
}

function isKeyList(name: string): boolean {
  return (KEY_LISTS as readonly string[]).includes(name);
}

function keyIds(world: World, account: Account, ids: readonly (string | null)[]): string[] {
  for (const id of ids) {
    const key = id === null ? undefined : world.store.keys.get(id);
    if (key?.account !== account.email) throw new GraphQLError(`SSH key ${id} not found`);
  }
  return [...new Set(ids as string[])];
}

function check(world: World, settings: Partial<Settings>): void {
  const { name, quota, alertDays, borgVersion, compactionInterval, compactionIntervalUnit, compactionHour } = settings;
  if (name !== undefined) checkName(name);
  if (quota !== undefined) between("quota", quota, 0, Number.MAX_SAFE_INTEGER);
  if (alertDays !== undefined) between("alertDays", alertDays, 0, Number.MAX_SAFE_INTEGER);
  if (borgVersion !== undefined) oneOf(world, "borgVersion", borgVersion, BORG_VERSIONS);
  if (compactionInterval !== undefined) between("compactionInterval", compactionInterval, 1, 24);
  if (compactionHour !== undefined) between("compactionHour", compactionHour, 0, 23);
  if (compactionIntervalUnit !== undefined) {
    oneOf(world, "compactionIntervalUnit", compactionIntervalUnit, { known: ["days", "weeks", "months"], newer: [] });
  }
  const zone = settings.compactionHourTimezone;
  if (zone !== undefined && !isTimezone(zone)) throw new GraphQLError(`Invalid compactionHourTimezone: ${zone}`);
}

function oneOf(world: World, name: string, value: string, values: { known: string[]; newer: string[] }): void {
  if (values.known.includes(value) || (world.variants.newer && values.newer.includes(value))) return;
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

/** A repository as the schema shows it. Functions are asked by GraphQL only when their field is. */
function repoAnswer(world: World, repo: Repo) {
  const { variants, storage, store } = world;
  const keyList = (ids: string[]) =>
    ids.length || variants.emptyKeys === "list" ? ordered(ids, variants.keyOrder) : null;
  const keyObjects = (ids: string[]) =>
    ordered(ids, variants.keyOrder).flatMap((id) => {
      const key = store.keys.get(id);
      return key ? [keyAnswer(world, key)] : [];
    });
  const orNull = (value: number) => (value === 0 && variants.zero === "null" ? null : value);
  // One answer, one look at the disk.
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
    htpasswd: repo.htpasswd ?? unset(world),
    resticVersion: unset(world),
    vgerToken: unset(world),
    accessMode: unset(world),
    encryption: () => storage.encryption(repo),
    currentUsage: async () => (await used()).currentUsage,
    lastModified: async () => (await used()).lastModified ?? unset(world),
    repoPath: () => repoPath(world, repo),
    server: () => serverAnswer(world, repo),
  };
}

function repoPath({ variants, storage }: World, repo: Repo): string {
  const withPassword = variants.resticPath === "password";
  const { borgPath, resticPath } = variants.addresses === "borgbase" ? BORGBASE_PATHS : storage;
  return repo.format === "restic" ? resticPath(repo, withPassword) : borgPath(repo);
}

/** The host name is the physical box and must not resolve: clients are to take the address from repoPath. */
function serverAnswer(world: World, repo: Repo) {
  const { rsa, ecdsa, ed25519 } = world.storage.fingerprints;
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
