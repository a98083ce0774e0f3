import { resourcesIn } from "./programs";
import { CHANGING, type Operation, type Sample } from "./samples";
import type { Subject, SubjectId } from "./subjects";

/** One command of the plan. */
export interface Step {
  subject: Subject;
  size: number;
  operation: Operation;
}

/**
 * Prints a line per command, with an estimate of the remaining time: a rough model of each command's time, scaled by the
 * measured commands so far.
 */
export class Progress {
  #done = 0;
  #modelled = 0;
  #taken = 0;
  #left: number;

  constructor(private readonly total: readonly Step[]) {
    this.#left = total.reduce((sum, step) => sum + model(step), 0);
  }

  begin(step: Step): void {
    const place = `[${String(this.#done + 1).padStart(String(this.total.length).length)}/${this.total.length}]`;
    const what = `${step.size} repositories · ${step.operation.padEnd(11)} · ${step.subject.title.padEnd(38)}`;
    process.stdout.write(`${place} ${what} … `);
  }

  end(step: Step, sample: Sample): void {
    this.#done++;
    this.#modelled += model(step);
    this.#taken += sample.seconds;
    this.#left -= model(step);
    const requests = step.subject.usesApi ? `, ${sample.requests} requests` : "";
    process.stdout.write(`${sample.seconds.toFixed(1)} s${requests} · ${this.remaining} left\n`);
  }

  get remaining(): string {
    const seconds = this.#left * (this.#modelled > 0 ? this.#taken / this.#modelled : 1);
    return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
  }
}

/** Seconds of checkpoints for 1,000 resources; they grow with the square, as each step rewrites the whole state. */
const CHECKPOINTS: Record<SubjectId, number> = {
  dynamicBaseline: 150,
  noopBaseline: 50,
  sameOutputs: 130,
  dynamicHost: 100,
  plugin: 100,
  yaml: 100,
  terraform: 30,
  noCheckpoints: 0,
};

function model({ subject, size, operation }: Step): number {
  const thousands = resourcesIn(size) / 1000;
  const writes = CHANGING.includes(operation);
  const runsProgram = operation.includes("up") || operation === "preview" || operation === "change";
  return (
    1.5 + (runsProgram ? 1 + 5 * thousands : 1.5 * thousands) + (writes ? CHECKPOINTS[subject.id] * thousands ** 2 : 0)
  );
}
