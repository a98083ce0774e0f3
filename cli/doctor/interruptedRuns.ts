import { orphansIn, pendingOf, type Run } from "../orphans";
import type { Service } from "../services";
import { type Check, listed, needed, type Outcome, ok, outcomeOf, problem } from "./finding";
import type { Scene } from "./scene";

/** Notes that interrupted runs of the stack left on this machine. */
export function interruptedRunChecks(scene: Scene): Check[] {
  return [{ name: "interrupted-runs", run: () => interruptedRuns(scene) }];
}

async function interruptedRuns(scene: Scene): Promise<Outcome[]> {
  const [project, state] = await Promise.all([
    needed(scene.project(), "the project's settings"),
    needed(scene.state(), "the stack's state"),
  ]);
  const run = { project: project.name, stack: state.name, resources: state.resources };
  const outcomes = (await scene.services()).map((service) => orphansOf(service, run).catch(outcomeOf));
  const found = (await Promise.all(outcomes)).flatMap((outcome) => outcome ?? []);
  return found.length > 0 ? found : [ok("no object that the state lacks")];
}

/** Undefined without an orphan. Asks the service only where this machine has notes. */
async function orphansOf(service: Service, run: Run) {
  const pending = pendingOf(run, service);
  const names = listed(pending.map(({ kind, args }) => `${kind} ${args.name}`));
  const orphans = await needed(orphansIn(service, pending, run), `an answer of ${service.address} about ${names}`);
  if (orphans.length === 0) return undefined;
  const objects = listed(orphans.map(({ type, name, id }) => `${type} ${name} (${id})`));
  return problem(
    `objects of an interrupted run, which the state lacks: ${objects}`,
    "run `pulumi up`, which takes up what the program still declares; delete the rest, or declare it with existingId",
  );
}
