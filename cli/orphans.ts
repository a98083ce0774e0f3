import type { Stack } from "@pulumi/pulumi/automation";
import { type PendingCreate, PendingCreates } from "../provider/pendingCreates";
import { tokenOf } from "../provider/token";
import { type Service, servicesOfStack } from "./services";
import { resourcesOf, type StateResource, settingsOf } from "./stack";

/** An object that an interrupted run of the stack created in an account, and that the state lacks. */
export interface Orphan {
  type: string;
  /** Name of the resource in the program; below parents, their types come first: `acme:index:Machine::web`. */
  name: string;
  /** Id at BorgBase or in Borg UI. */
  id: string;
  /** Evidence: the id in the response of the create, or, without a response, a name that did not exist before. */
  toldBy: "id" | "name";
}

/** A stack and what its state has. */
export interface Run {
  project: string;
  /** Name of the stack, with or without its organisation. */
  stack: string;
  resources: readonly StateResource[];
}

/**
 * The stack's pending creates on this machine whose objects exist, in the accounts and servers of the stack's state and
 * configuration. Sends requests only to those with pending creates.
 */
export async function orphansOf(stack: Stack): Promise<Orphan[]> {
  const [{ name: project }, resources, configured] = await Promise.all([
    stack.workspace.projectSettings(),
    resourcesOf(stack),
    settingsOf(stack),
  ]);
  const orphans = new Map<string, Orphan>();
  for (const service of servicesOfStack(configured, resources)) {
    const run = { project, stack: stack.name, resources };
    for (const orphan of await orphansIn(service, pendingOf(run, service), run)) {
      orphans.set(`${orphan.type} ${orphan.id}`, orphan);
    }
  }
  return [...orphans.values()];
}

/** Pending creates of the stack on this machine. */
export function pendingOf({ project, stack }: Run, service: Service): PendingCreate[] {
  return new PendingCreates(service.address).pendingIn(project, stack.split("/").at(-1) ?? "");
}

/** The objects of pending creates that exist, and that the state lacks. Sends no request without a pending create. */
export async function orphansIn(service: Service, pending: PendingCreate[], { resources }: Run): Promise<Orphan[]> {
  if (pending.length === 0) return [];
  const objects = await service.objects();
  const known = new Set(resources.map(({ type, id }) => `${type} ${id}`));
  return pending
    .flatMap(({ kind, origin, id, args, before }) =>
      (objects[kind] ?? [])
        .filter((item) => (id === undefined ? item.name === args.name && !before.includes(item.id) : item.id === id))
        .map(
          (item): Orphan => ({
            type: tokenOf(kind),
            // Project and stack names contain no slash; resource names may.
            name: origin.split("/").slice(2).join("/"),
            id: item.id,
            toldBy: id === undefined ? "name" : "id",
          }),
        ),
    )
    .filter(({ type, id }) => !known.has(`${type} ${id}`));
}
