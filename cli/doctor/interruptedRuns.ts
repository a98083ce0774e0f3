import { PendingCreates } from "../../provider/pendingCreates";
import { orphansIn } from "../orphans";
import type { Service } from "../services";
import { type Check, listed, needed, type Outcome, ok, outcomeOf, problem } from "./finding";
import type { Scene } from "./scene";

/** Notes that interrupted runs of the stack left on this machine. */
export function interruptedRunChecks(scene: Scene): Check[] {
  return [{ name: "interrupted-runs", run: () => interruptedRuns(scene) }];
}

async function interruptedRuns(scene: Scene): Promise<Outcome[]> {
  const [{ name: project }, state] = await Promise.all([
    needed(scene.project(), "the project's settings"),
    needed(scene.state(), "the stack's state"),
  ]);
  const known = new Set(state.resources.map(({ type, id }) => `${type} ${id}`));
  const stack = state.name.split("/").at(-1) ?? "";
  const outcomes = (await scene.services()).map((service) =>
    orphansOf(service, project, stack, known).catch(outcomeOf),
  );
  const found = (await Promise.all(outcomes)).flatMap((outcome) => outcome ?? []);
  return found.length > 0 ? found : [ok("no object that the state lacks")];
}

/** Undefined without an orphan. Asks the service only where this machine has notes. */
async function orphansOf(service: Service, project: string, stack: string, known: Set<string>) {
  const pending = new PendingCreates(service.address).pendingIn(project, stack);
  if (pending.length === 0) return undefined;
  const names = listed(pending.map(({ kind, args }) => `${kind} ${args.name}`));
  const existing = await needed(orphansIn(service, pending), `an answer of ${service.address} about ${names}`);
  const orphans = existing.filter(({ type, id }) => !known.has(`${type} ${id}`));
  if (orphans.length === 0) return undefined;
  const objects = listed(orphans.map(({ type, name, id }) => `${type} ${name} (${id})`));
  return problem(
    `objects of an interrupted run, which the state lacks: ${objects}`,
    "run `pulumi up`, which takes up what the program still declares; delete the rest, or declare it with existingId",
  );
}
