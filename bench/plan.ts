import { parseArgs } from "node:util";
import { OPERATIONS, type Operation } from "./samples";
import { SUBJECT_IDS, type Subject, type SubjectId, subjectOf } from "./subjects";

/** One size: its subjects take turns, operation by operation. */
export interface Round {
  size: number;
  subjects: Subject[];
  operations: readonly Operation[];
}

export interface Plan {
  rounds: Round[];
  /** Ascending. */
  sizes: number[];
  repeats: number;
  /** Hosts of the comparison of backup jobs with connections; 0 without it. */
  hosts: number;
  /** A full run replaces the project's benchmark in docs/. */
  isFull: boolean;
}

const USAGE = `npm run bench [-- [--quick] [--sizes 10,300] [--subjects ${SUBJECT_IDS.slice(2, 5).join(",")}] [--operations "refresh,drift check"] [--repeat 3] [--hosts 50]]`;

const ALWAYS: SubjectId[] = ["noopBaseline", "sameOutputs", "dynamicHost", "plugin"];

/**
 * Sizes of a full run, which takes an hour: 1,000 take most of it, as the time of a command that changes every resource grows
 * with the square. Subjects join where their comparison needs them.
 */
const FULL_RUN: Record<number, { subjects: SubjectId[]; without?: Operation[] }> = {
  10: { subjects: ["dynamicBaseline", ...ALWAYS] },
  100: { subjects: ["dynamicBaseline", ...ALWAYS, "yaml", "terraform"] },
  300: { subjects: ["dynamicBaseline", ...ALWAYS] },
  500: { subjects: ["dynamicHost", "plugin", "yaml", "terraform"], without: ["preview", "drift check", "change"] },
  1000: { subjects: ALWAYS },
};
/** For the advice only: the cost of a run without checkpoints. */
const WITHOUT_CHECKPOINTS = { subject: "noCheckpoints" as const, operations: ["first up", "destroy"] as const };

/** Short operations with a narrow goal. Each round runs them several times. */
const REPEATED: Partial<Record<Operation, number>> = { refresh: 5, "drift check": 5 };

/** Reads the command line. @throws for a value that it does not know */
export function readPlan(args: string[]): Plan {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      sizes: { type: "string" },
      subjects: { type: "string" },
      operations: { type: "string" },
      repeat: { type: "string", default: "1" },
      hosts: { type: "string", default: "0" },
    },
  });
  const sizes = values.sizes?.split(",").map(Number) ?? (values.quick ? [10, 100] : Object.keys(FULL_RUN).map(Number));
  const repeats = Number(values.repeat);
  const hosts = Number(values.hosts);
  const subjects = values.subjects?.split(",").map((each) => known(each, SUBJECT_IDS));
  const operations = values.operations?.split(",").map((each) => known(each, OPERATIONS));
  if (![...sizes, repeats, hosts + 1].every((value) => Number.isInteger(value) && value > 0))
    throw new Error(`Usage: ${USAGE}`);
  const ascending = [...new Set(sizes)].sort((a, b) => a - b);
  const rounds = Array.from({ length: repeats }, (_, round) =>
    ascending.map((size) => roundOf(size, round, subjects, operations)),
  ).flat();
  const isFull = !values.quick && !values.sizes && !subjects && !operations;
  if (isFull) rounds.push(withoutCheckpoints(ascending.at(-1) as number));
  return { rounds, sizes: ascending, repeats, hosts, isFull };
}

/** The order of the subjects rotates by round. */
function roundOf(size: number, round: number, chosen?: SubjectId[], only?: Operation[]): Round {
  const { subjects: usual, without = [] } = FULL_RUN[size] ?? { subjects: ALWAYS };
  const subjects = (chosen ?? usual).map(subjectOf);
  const start = round % subjects.length;
  // Every other operation needs the resources of the first.
  const included = (operation: Operation) =>
    operation === "first up" || (only ? only.includes(operation) : !without.includes(operation));
  return {
    size,
    subjects: [...subjects.slice(start), ...subjects.slice(0, start)],
    operations: OPERATIONS.filter(included).flatMap((operation) =>
      Array<Operation>(REPEATED[operation] ?? 1).fill(operation),
    ),
  };
}

function withoutCheckpoints(size: number): Round {
  return {
    size,
    subjects: [subjectOf(WITHOUT_CHECKPOINTS.subject)],
    operations: [...WITHOUT_CHECKPOINTS.operations],
  };
}

function known<T extends string>(text: string, all: readonly T[]): T {
  const found = all.find((each) => each === text.trim());
  if (found === undefined) throw new Error(`"${text}" is none of ${all.join(", ")}. Usage: ${USAGE}`);
  return found;
}
