import type { AnyResource, Context, Properties } from "./resource";

/** Identity of the object among all of its kind: two entries of the state may be one. */
export function objectKey(resource: AnyResource, id: string, state: Properties): string {
  return resource.objectKey?.(state) ?? id;
}

/** Assigns the object to the resource for this run. Returns the name of another resource that has it already. */
export function assign(resource: AnyResource, object: string, { memory, origin }: Context): string | undefined {
  return memory?.assign(resource.schema.type, object, origin)?.replace(/^[^/]*\/[^/]*\//, "");
}

export function alreadyAssigned(holder: string, resource: AnyResource, id: unknown): string {
  return (
    `${resource.schema.type} ${id} is the resource "${holder}" of this program already, and can be one resource only: ` +
    "remove one of the two, or give it another existingId"
  );
}
