import { isDeepStrictEqual } from "node:util";
import { configOptions, type Options, renderConfig, unescaped } from "./config";
import { argumentOf, SECTION_NAMES } from "./options";
import type { Argument, HostFacts, Job, JobNames } from "./types";

/** Arguments that differ on a host, with their value there. An argument without a value there is present as undefined. */
export type Drift = Partial<Record<Argument, unknown>>;

/**
 * The arguments that a found configuration differs in. A text that cannot be read, an option of nobody's and any other change of
 * the text belong to `borgmatic`.
 */
export function configDrift(found: string, job: Job, names: JobNames, facts: HostFacts): Drift {
  if (found === renderConfig(job, names, facts)) return {};
  const actual = parseConfig(found);
  if (actual === undefined) return { borgmatic: { ...job.borgmatic, [MARK]: "it cannot be read" } };
  const expected = withNamedHooks(configOptions(job, names, facts));
  const options = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  const changed = [...options].filter((option) => !isSame(option, expected[option], actual[option]));
  if (changed.length === 0) return { borgmatic: { ...job.borgmatic, [MARK]: "its text is another" } };
  const drift: Drift = {};
  for (const argument of new Set(changed.map(argumentOf))) {
    drift[argument] =
      argument === "borgmatic" ? foreignOptions(changed, actual, job) : unescaped(READERS[argument]?.(actual));
  }
  return drift;
}

/** In place of an option, for changes of the file as a whole. */
const MARK = "config.yaml";

/** The value of the argument `borgmatic` that would explain the found options. */
function foreignOptions(changed: readonly string[], actual: Options, job: Job): Options {
  const options: Options = { ...job.borgmatic };
  for (const option of changed.filter((each) => argumentOf(each) === "borgmatic")) {
    const value = actual[option];
    if (value !== undefined) options[option] = value;
    else if (option in job.borgmatic) delete options[option];
    else options[option] = null;
  }
  return options;
}

const READERS: Partial<Record<Argument, (options: Options) => unknown>> = {
  repository: ({ repositories }) => pathsOf(repositories).join(" "),
  paths: ({ source_directories = [] }) => source_directories,
  exclude: ({ exclude_patterns = [] }) => exclude_patterns,
  excludeIfPresent: ({ exclude_if_present = [] }) => exclude_if_present,
  excludeCaches: ({ exclude_caches = false }) => exclude_caches,
  oneFileSystem: ({ one_file_system = false }) => one_file_system,
  compression: ({ compression = "none" }) => compression,
  archiveName: ({ archive_name_format = "" }) => archive_name_format,
  uploadLimit: ({ upload_rate_limit = 0 }) => upload_rate_limit,
  remotePath: ({ remote_path }) => remote_path,
  retention: (options) => {
    const kept = Object.entries(options).filter(([option]) => option.startsWith("keep_"));
    return kept.length === 0 ? undefined : Object.fromEntries(kept.map(([option, value]) => [option.slice(5), value]));
  },
  checks: ({ checks }) => (isDeepStrictEqual(checks, [{ name: "disabled" }]) ? [] : (checks ?? [])),
  hooks: ({ before_backup: before, after_backup: after, on_error: onError }) => {
    const hooks = { ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
    const all = { ...hooks, ...(onError !== undefined && { onError }) };
    return Object.keys(all).length === 0 ? undefined : all;
  },
  healthchecks: ({ healthchecks }) => {
    if (typeof healthchecks !== "object" || healthchecks === null) return healthchecks;
    const { ping_url: url, ...others } = healthchecks as Options;
    return Object.keys(others).length === 0 ? url : JSON.stringify(healthchecks);
  },
};

/** The options of a configuration in the flat form; undefined for a text that is not a comment and JSON. */
function parseConfig(text: string): Options | undefined {
  let config: unknown;
  try {
    config = JSON.parse(text.replace(/^(\s*#.*\n)*/, ""));
  } catch {
    return undefined;
  }
  return isObject(config) ? withNamedHooks(flattened(config)) : undefined;
}

function flattened(config: Options): Options {
  const flat: Options = {};
  for (const [name, value] of Object.entries(config)) {
    const options = SECTION_NAMES.includes(name) && isObject(value) ? Object.entries(value) : [[name, value] as const];
    for (const [option, each] of options) {
      // Two sections may set one option; the second value then shows under its section.
      const isTaken = option in flat && !isDeepStrictEqual(flat[option], each);
      flat[isTaken ? `${name}.${option}` : option] = each;
    }
  }
  return flat;
}

/** Commands of borgmatic 2 that stand for a hook, under the names that versions before 2 have. */
function withNamedHooks(options: Options): Options {
  if (!Array.isArray(options.commands)) return options;
  const { commands, ...named } = options;
  const others = commands.filter((command: unknown) => {
    if (!isObject(command)) return true;
    const { run, ...rest } = command;
    const hook = HOOKS.find(([, shape]) => isDeepStrictEqual(shape, rest))?.[0];
    if (hook === undefined || hook in named) return true;
    named[hook] = run;
    return false;
  });
  return others.length > 0 ? { ...named, commands: others } : named;
}

const HOOKS: readonly (readonly [option: string, shape: Options])[] = [
  ["before_backup", { before: "action", when: ["create"] }],
  ["after_backup", { after: "action", when: ["create"], states: ["finish"] }],
  ["on_error", { after: "error" }],
];

function isSame(option: string, expected: unknown, actual: unknown): boolean {
  // A label, and the form of the list, differ between versions.
  if (option === "repositories") return isDeepStrictEqual(pathsOf(expected), pathsOf(actual));
  return isDeepStrictEqual(expected, actual);
}

function pathsOf(repositories: unknown): string[] {
  const list: unknown[] = Array.isArray(repositories) ? repositories : [repositories];
  return list.map((each) => String(isObject(each) ? each.path : each));
}

function isObject(value: unknown): value is Options {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
