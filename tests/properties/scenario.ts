import fc from "fast-check";
import type { FaultInput, Variants } from "../../emulator";
import type { Forced } from "./engine";
import { type Kill, MOMENTS, type Refused } from "./process";

/*
 * The events of one stack: programs, faults, kills and changes in the web console. Plain values, so that a failing
 * scenario can be printed and shrunk to its smallest form.
 */

export interface KeyPlan {
  name?: string;
  /** Index of one of {@link LINES} public keys. */
  line: number;
  comment?: string;
  deleteBeforeReplace?: boolean;
}

export interface RepoPlan {
  name?: string;
  region: string;
  format?: string;
  quota?: number;
  alertDays?: number;
  /** Names of resources; names outside the program are ignored. */
  fullAccessKeys?: string[];
  appendOnlyKeys?: string[];
  rsyncKeys?: string[];
  appendOnly?: boolean;
  sftpEnabled?: boolean;
  borgVersion?: string;
  compaction?: { interval: number; unit: string; hour: number; timezone: string };
  forceDestroy?: boolean;
  keepOnDelete?: boolean;
  deleteBeforeReplace?: boolean;
}

/** A change of the program. Null removes the resource. */
export type Edit =
  | { key: string; plan: KeyPlan | null }
  | { repo: string; plan: RepoPlan | null }
  /** Moves a repository to another resource by `existingId`. */
  | { move: string }
  /** Renames the resource, with an alias for each former name. */
  | { rename: string };

/** The resource that the engine decides to replace. */
export interface Force {
  which: number;
  how: Forced["how"];
}

export interface Trouble {
  faults: FaultInput[];
  kill?: Kill | undefined;
  refused?: Refused | undefined;
  /** The token of the run; default: the account's Full Access token. */
  token?: (typeof TOKENS)[number] | undefined;
  parallel: number;
}

export const TOKENS = ["readOnly", "createOnly", "revoked"] as const;

export type Action =
  | ({
      do: "deploy";
      edits: Edit[];
      refresh: boolean;
      target?: number | undefined;
      forced?: Force | undefined;
    } & Trouble)
  | ({ do: "destroy" } & Trouble)
  | { do: "rename repo"; which: number; name: string }
  | { do: "set alert"; which: number; alertDays: number }
  | { do: "list keys"; which: number; keys: number[] }
  | { do: "delete repo"; which: number }
  | { do: "delete key"; which: number }
  | { do: "add repo"; name: string }
  | { do: "add key"; name: string; line: number }
  | { do: "back up"; which: number; usage: number }
  | { do: "empty"; which: number };

export interface Scenario {
  variants: Partial<Variants>;
  /** Whether the server does its work before a fault that allows both. */
  works: boolean;
  actions: Action[];
}

/** The number of different public keys. */
export const LINES = 4;
/** Resources that adopt an existing object. */
export const ADOPTING_REPO = "adopting-repo";
export const ADOPTING_KEY = "adopting-key";
export const OPERATIONS = "sshAdd sshList sshDelete repoAdd repoList repo repoEdit repoDelete me".split(" ");

const keyNames = ["k0", "k1", "k2", ADOPTING_KEY];
const repoNames = ["r0", "r1", "r2", "r3", ADOPTING_REPO];
const names = fc.constantFrom("web", "db");
/** Resources that may be renamed, because only the engine identifies them by name. */
export const RENAMED = ["k0", "k1", "r0", "r1", "r2"];

const keyPlan = fc.record(
  {
    name: names,
    line: fc.nat(LINES - 1),
    comment: fc.constantFrom("me@here"),
    deleteBeforeReplace: fc.boolean(),
  },
  { requiredKeys: ["line"] },
);

const keyList = fc.subarray(keyNames, { minLength: 1, maxLength: 2 });
const compaction = fc.record({
  interval: fc.constantFrom(1, 2),
  unit: fc.constantFrom("days", "weeks"),
  hour: fc.constantFrom(0, 5),
  timezone: fc.constantFrom("UTC", "Europe/Berlin", "Etc/UTC"),
});
const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

const repoPlan = fc.record(
  {
    name: names,
    region: often("eu", "us"),
    format: often("borg1", "restic"),
    quota: fc.constantFrom(0, 1000),
    alertDays: fc.constantFrom(0, 1, 2),
    fullAccessKeys: keyList,
    appendOnlyKeys: keyList,
    rsyncKeys: keyList,
    appendOnly: fc.boolean(),
    sftpEnabled: fc.boolean(),
    borgVersion: fc.constantFrom("LATEST", "V_1_2_X"),
    compaction,
    forceDestroy: fc.boolean(),
    keepOnDelete: often(false, true),
    deleteBeforeReplace: fc.boolean(),
  },
  { requiredKeys: ["region"] },
);

const orNot = <T>(plan: fc.Arbitrary<T>) => fc.option(plan, { nil: null, freq: 5 });
export const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ key: fc.constantFrom(...keyNames), plan: orNot(keyPlan) }) },
  { weight: 8, arbitrary: fc.record({ repo: fc.constantFrom(...repoNames), plan: orNot(repoPlan) }) },
  { weight: 1, arbitrary: fc.record({ move: fc.constantFrom("r0", "r1") }) },
  { weight: 1, arbitrary: fc.record({ rename: fc.constantFrom(...RENAMED) }) },
);

const when = {
  operation: fc.option(fc.constantFrom(...OPERATIONS), { nil: undefined }),
  skip: fc.nat(3),
  count: often<number | null>(1, 2, null),
};
const kind = <K extends string, R extends object>(name: K, rest = {} as { [P in keyof R]: fc.Arbitrary<R[P]> }) =>
  fc.record({ ...when, kind: fc.constant(name), ...rest }) as fc.Arbitrary<FaultInput>;

const fault: fc.Arbitrary<FaultInput> = fc.oneof(
  kind("reset"),
  kind("lost"),
  kind("silence"),
  kind("slow", { bytesPerSecond: fc.constantFrom(200, 1_000_000) }),
  kind("status", { status: fc.constantFrom(429, 500, 502, 503), retryAfter: fc.constantFrom("0", "1") }),
  kind("status", { status: fc.constantFrom(429, 500, 502, 503) }),
  kind("truncated"),
  kind("foreign"),
  kind("errors"),
  kind("expire"),
);
const kill: fc.Arbitrary<Kill> = fc.record({ at: fc.constantFrom(...MOMENTS), skip: fc.nat(12) });
const seldom = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
const trouble = {
  faults: fc.oneof(
    { weight: 2, arbitrary: fc.constant<FaultInput[]>([]) },
    { weight: 3, arbitrary: fc.array(fault, { minLength: 1, maxLength: 2 }) },
  ),
  kill: fc.option(kill, { nil: undefined, freq: 1 }),
  refused: seldom(fc.record({ skip: fc.nat(6), count: often<number | null>(1, 3, null) })),
  token: seldom(fc.constantFrom(...TOKENS)),
  parallel: fc.constantFrom(1, 4),
};

const which = fc.nat(5);
const deploy = fc.record({
  do: fc.constant("deploy" as const),
  edits: fc.array(edit, { minLength: 1, maxLength: 4 }),
  refresh: fc.boolean(),
  target: seldom(fc.nat(5)),
  forced: seldom(fc.record({ which, how: fc.constantFrom("replacementTrigger" as const, "--replace" as const) })),
  ...trouble,
});
const first = fc.record({
  do: fc.constant("deploy" as const),
  edits: fc.array(edit, { minLength: 2, maxLength: 9 }),
  refresh: fc.constant(false),
  ...trouble,
});
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: deploy },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("destroy" as const), ...trouble }) },
  fc.record({ do: fc.constant("rename repo" as const), which, name: names }),
  fc.record({ do: fc.constant("set alert" as const), which, alertDays: fc.constantFrom(0, 1, 9) }),
  fc.record({ do: fc.constant("list keys" as const), which, keys: fc.array(which, { maxLength: 2 }) }),
  fc.record({ do: fc.constant("delete repo" as const), which }),
  fc.record({ do: fc.constant("delete key" as const), which }),
  fc.record({ do: fc.constant("add repo" as const), name: names }),
  fc.record({ do: fc.constant("add key" as const), name: names, line: fc.nat(LINES - 1) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant("back up" as const), which, usage: fc.constantFrom(0, 5) }) },
  fc.record({ do: fc.constant("empty" as const), which }),
);

const variants = fc.record(
  {
    unset: fc.constantFrom("empty" as const, "null" as const),
    zero: fc.constantFrom("zero" as const, "null" as const),
    emptyKeys: fc.constantFrom("list" as const, "null" as const),
    listOrder: fc.constantFrom("reversed" as const, "shuffled" as const),
    keyOrder: fc.constantFrom("reversed" as const, "shuffled" as const),
    badToken: fc.constantFrom("401" as const, "403" as const, "200" as const),
    errorBody: fc.constantFrom("errors" as const, "detail" as const, "html" as const),
    refusedQuery: fc.constantFrom("400" as const, "200" as const),
    missing: fc.constantFrom("error" as const, "null" as const),
    sshDeleteId: fc.constantFrom("both" as const, "string" as const, "int" as const),
    nullableVariables: fc.constantFrom("refused" as const),
    resticPath: fc.constantFrom("password" as const, "plain" as const),
    newer: fc.boolean(),
  },
  { requiredKeys: [] },
);

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  variants,
  works: fc.boolean(),
  actions: fc
    .tuple(fc.array(consoleAdds(), { maxLength: 2 }), first, fc.array(action, { maxLength: 3 }))
    .map(([before, opening, rest]) => [...before, opening, ...rest]),
});

function consoleAdds(): fc.Arbitrary<Action> {
  return fc.oneof(
    fc.record({ do: fc.constant("add repo" as const), name: names }),
    fc.record({ do: fc.constant("add key" as const), name: names, line: fc.nat(LINES - 1) }),
  );
}
