import type * as pulumi from "@pulumi/pulumi";
import { knownValue } from "./pulumiInternals";

/**
 * Types of the resources above a child of `parent`, as in its URN. Undefined directly below the stack.
 * A promise: an output would make the child depend on the parent's other children.
 */
export function parentTypes(parent: pulumi.Resource): Promise<string | undefined> {
  const types = knownValue(parent.urn).then((urn) => (urn === undefined ? undefined : withoutStack(typeOf(urn))));
  // The registration of the child reports a failed parent.
  types.catch(() => {});
  return types;
}

/** Types of the parents in a resource's own URN. Empty directly below the stack. */
export function parentTypesIn(urn: pulumi.URN): string {
  return typeOf(urn).split("$").slice(0, -1).join("$");
}

/** The third part of `urn:pulumi:STACK::PROJECT::TYPE::NAME`. */
function typeOf(urn: pulumi.URN): string {
  return urn.split("::")[2] ?? "";
}

function withoutStack(type: string): string | undefined {
  return type === "pulumi:pulumi:Stack" ? undefined : type;
}
