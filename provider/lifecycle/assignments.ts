import type { AnyResource, Context, Properties } from "./resource";

/** Key of the object among all of its type. Two entries of the state may have the same one. */
export function objectKey(resource: AnyResource, id: string, state: Properties): string {
  return resource.objectKey?.(state) ?? id;
}

/**
 * Assigns the object to the resource for this run.
 * @returns the name of the other resource that already has the object
 */
export function assign(resource: AnyResource, object: string, { memory, origin }: Context): string | undefined {
  return memory?.assign(resource.schema.type, object, origin)?.replace(/^[^/]*\/[^/]*\//, "");
}

/** Warning about an object of two resources that each may change a part of, such as a line of a file. */
export function sharedWarning(holder: string, resource: AnyResource, id: unknown): string {
  return (
    `manages the same ${resource.schema.type} ${id} as the resource "${holder}" of this program: ` +
    "where their arguments differ, each run undoes what the other one wants. Remove one of the two"
  );
}

/** Message for an object of two resources. */
export function alreadyAssigned(holder: string, resource: AnyResource, id: unknown): string {
  return (
    `${resource.schema.type} ${id} is the resource "${holder}" of this program already, and can be one resource only: ` +
    "remove one of the two, or give it another existingId"
  );
}
