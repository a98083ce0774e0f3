import type { Stack } from "@pulumi/pulumi/automation";
import { type PendingCreate, PendingCreates } from "../provider/pendingCreates";
import { tokenOf } from "../provider/token";
import { type Service, servicesOf, settingsOfProvider } from "./services";
import { resourcesOf, settingsOf } from "./stack";

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
  const known = new Set(resources.map(({ type, id }) => `${type} ${id}`));
  const given = resources.flatMap((resource) => settingsOfProvider(resource) ?? []);

  const orphans = new Map<string, Orphan>();
  for (const service of servicesOf([configured, ...given])) {
    const pending = new PendingCreates(service.address).pendingIn(project, stack.name.split("/").at(-1) ?? "");
    for (const orphan of await orphansIn(service, pending)) {
      const object = `${orphan.type} ${orphan.id}`;
      if (!known.has(object)) orphans.set(object, orphan);
    }
  }
  return [...orphans.values()];
}

/** The objects of pending creates that exist. Sends no request without a pending create. */
export async function orphansIn(service: Service, pending: PendingCreate[]): Promise<Orphan[]> {
  if (pending.length === 0) return [];
  const objects = await service.objects();
  return pending.flatMap(({ kind, origin, id, args, before }) =>
    (objects[kind] ?? [])
      .filter((item) => (id === undefined ? item.name === args.name && !before.includes(item.id) : item.id === id))
      .map((item) => ({
        type: tokenOf(kind),
        // Project and stack names contain no slash; resource names may.
        name: origin.split("/").slice(2).join("/"),
        id: item.id,
        toldBy: id === undefined ? "name" : "id",
      })),
  );
}
