import type { PolicyConfigSchema, PolicyResource } from "@pulumi/policy";
import { tokenOf } from "../../provider/token";

/** A value that only the deployment gives. */
export const UNKNOWN = Symbol("unknown");
export type Unknown = typeof UNKNOWN;

/** A property of a resource, or {@link UNKNOWN}: the policy library throws where a program reads a value that is unknown. */
export function propertyOf(container: object, name: string | number): unknown {
  try {
    return (container as Record<string | number, unknown>)[name];
  } catch {
    return UNKNOWN;
  }
}

/** The elements of a list; a missing list is empty. */
export function listOf(container: object, name: string): unknown[] | Unknown {
  const list = propertyOf(container, name);
  if (list === UNKNOWN) return UNKNOWN;
  return Array.isArray(list) ? Array.from({ length: list.length }, (_, index) => propertyOf(list, index)) : [];
}

export function isOfType(resource: { type: string }, type: string): boolean {
  return resource.type === tokenOf(type);
}

/** Resources of a type that a property takes a value from. */
export function sourcesOf(resource: PolicyResource, property: string, type: string): PolicyResource[] {
  const sources = resource.propertyDependencies[property] ?? [];
  return [...new Set(sources)].filter((each) => isOfType(each, type));
}

/** A parameter of a policy, as its configuration's schema describes it. */
type Parameter = PolicyConfigSchema["properties"][string] & { default: number };

/**
 * The configuration of a policy: `exceptions`, and the policy's own parameters with their defaults.
 * @param exceptions description of the names
 */
export function policyConfig<P extends Record<string, Parameter>>(exceptions: string, parameters: P) {
  const names = { type: "array", items: { type: "string" }, default: [], description: exceptions } as const;
  const properties: PolicyConfigSchema["properties"] = { exceptions: names, ...parameters };
  const defaults = Object.fromEntries(Object.entries(properties).map(([name, { default: value }]) => [name, value]));
  type Values = Record<keyof P, number> & { exceptions: string[] };
  return {
    schema: { properties } satisfies PolicyConfigSchema,
    /** The CLI leaves the configuration empty where nobody has set it. */
    read: (args: { getConfig<C extends object>(): C }) => ({ ...defaults, ...args.getConfig<Values>() }) as Values,
  };
}
