import { messageOf } from "../../provider/errors";

/**
 * - `ok`: nothing to do.
 * - `warning`: fine for `pulumi up`; something else may fail, or needs a look.
 * - `problem`: something is missing or wrong.
 * - `skipped`: the check could not be made, or does not apply.
 */
export type Status = "ok" | "warning" | "problem" | "skipped";

/** One line of the doctor. */
export interface Finding {
  /** Name of the check, which stays the same over releases. */
  check: string;
  status: Status;
  /** What was seen. */
  seen: string;
  /** What to do. Null where nothing is. */
  advice: string | null;
}

/** What a check returns: a finding without the name of the check. */
export type Outcome = Omit<Finding, "check">;

export interface Check {
  name: string;
  /** @throws {Skipped} where it cannot be made */
  run(): Promise<Outcome | Outcome[]>;
}

export const ok = (seen: string): Outcome => ({ status: "ok", seen, advice: null });
export const warning = (seen: string, advice: string): Outcome => ({ status: "warning", seen, advice });
export const problem = (seen: string, advice: string): Outcome => ({ status: "problem", seen, advice });

/** The reason why a check cannot be made or does not apply, and what makes it possible. */
export class Skipped extends Error {
  constructor(
    reason: string,
    readonly advice: string | null = null,
  ) {
    super(reason);
  }
}

/**
 * A fact that another check reports on. Its failure skips the check that needs it.
 * @param what words for the fact, for example `the stack's state`
 */
export async function needed<T>(fact: Promise<T>, what: string): Promise<T> {
  try {
    return await fact;
  } catch (error) {
    if (error instanceof Skipped) throw error;
    throw new Skipped(
      `not checked, as this needs ${what}`,
      "do what the line about it says, then run the doctor again",
    );
  }
}

/** Time for one check. Milliseconds. A start of the Pulumi CLI takes seconds on a busy machine. */
const TIME_LIMIT = 60_000;

/** Runs checks side by side, and returns their findings in the order of the checks. */
export async function runChecks(checks: Check[], ended: (remaining: number) => void): Promise<Finding[]> {
  let remaining = checks.length;
  const findings = await Promise.all(
    checks.map(async ({ name, run }) => {
      const outcomes = await withinLimit(run()).catch(outcomeOf);
      ended(--remaining);
      return [outcomes].flat().map((outcome) => ({ check: name, ...outcome }));
    }),
  );
  return findings.flat();
}

/** The outcome of a check that throws. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof Skipped) return { status: "skipped", seen: error.message, advice: error.advice };
  return problem(messageOf(error), "remove the reason, then run the doctor again");
}

async function withinLimit<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    const late = new Skipped(
      `not done within ${TIME_LIMIT / 1000} s`,
      "run the doctor again on a quieter machine or network",
    );
    timer = setTimeout(() => reject(late), TIME_LIMIT);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** `a, b, c and 7 others`: a line stays a line, whatever the size of the stack. */
export function listed(items: readonly string[], shown = 5): string {
  const rest = items.length - shown;
  return rest > 0 ? `${items.slice(0, shown).join(", ")} and ${rest} others` : items.join(", ");
}
