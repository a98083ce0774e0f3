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

/** The schema of a policy's configuration: `exceptions`, and the policy's own parameters. */
export function configSchema(
  exceptions: string,
  parameters: PolicyConfigSchema["properties"] = {},
): { configSchema: PolicyConfigSchema } {
  const names = { type: "array", items: { type: "string" }, default: [], description: exceptions } as const;
  return { configSchema: { properties: { exceptions: names, ...parameters } } };
}

/** The configuration of a policy. The CLI leaves it empty where nobody has set it. */
export function configOf<T extends object>(
  args: { getConfig<C extends object>(): C },
  defaults: T,
): T & { exceptions: string[] } {
  return { exceptions: [], ...defaults, ...args.getConfig<Partial<T & { exceptions: string[] }>>() };
}
