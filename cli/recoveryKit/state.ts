import type { Stack } from "@pulumi/pulumi/automation";
import { z } from "zod";
import { nameOf } from "../../provider/token";

/** A stack as a recovery kit needs it: the resources of this package and the configuration, secrets in plain. */
export interface StackState {
  /** As `pulumi stack init` takes it. */
  name: string;
  /** Empty for a stack that was never deployed. */
  project: string;
  resources: KitResource[];
  config: ConfigEntry[];
  /** Outputs of the stack by name. */
  outputs: Record<string, unknown>;
}

export interface KitResource {
  /** As programs write it: `Repo`, `borgui.Connection`. */
  type: string;
  name: string;
  id: string;
  /** What the program alone determines of the URN: types of the parents, type and name. */
  path: string;
  /** Arguments of the program. */
  inputs: Record<string, unknown>;
  /** Arguments, and outputs over them. */
  values: Record<string, unknown>;
  /** False for an object that is only read (`get`), and for one that waits for its deletion. */
  isManaged: boolean;
}

export interface ConfigEntry {
  key: string;
  value: string;
  isSecret: boolean;
}

export async function readState(stack: Stack): Promise<StackState> {
  const [exported, config] = await Promise.all([stack.exportStack(), stack.getAllConfig()]);
  const { resources } = deployment.parse(exported.deployment);
  const root = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  return {
    name: stack.name,
    project: root?.urn.split("::")[1] ?? "",
    resources: resources.filter(({ type }) => type.startsWith("borgbase:")).flatMap(toResource),
    config: Object.entries(config)
      .map(([key, { value, secret }]) => ({ key, value, isSecret: secret === true }))
      .sort((a, b) => (a.key < b.key ? -1 : 1)),
    outputs: plain(root?.outputs ?? {}) as Record<string, unknown>,
  };
}

const values = z.record(z.string(), z.unknown()).nullish();

const resource = z.object({
  type: z.string(),
  urn: z.string(),
  id: z.string().optional(),
  custom: z.boolean().optional(),
  delete: z.boolean().optional(),
  external: z.boolean().optional(),
  inputs: values,
  outputs: values,
});

const deployment = z.object({
  resources: z
    .array(resource)
    .nullish()
    .transform((resources) => resources ?? []),
});

function toResource({ type, urn, id, inputs, outputs, ...rest }: z.output<typeof resource>): KitResource[] {
  // A component has no id, and nothing to recover beside its children.
  if (id === undefined) return [];
  const [path, name] = [urn.split("::").slice(2).join("::"), urn.split("::").slice(3).join("::")];
  const given = plain(inputs ?? {}) as Record<string, unknown>;
  const values = { ...given, ...(plain(outputs ?? {}) as Record<string, unknown>) };
  return [{ type: nameOf(type), name, id, path, inputs: given, values, isManaged: !rest.delete && !rest.external }];
}

const secret = z.object({ plaintext: z.string() });

/** A value without its marks of secrets: an export has an object with a JSON text as `plaintext` for each. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const { data } = secret.safeParse(value);
  if (data !== undefined) return plain(JSON.parse(data.plaintext));
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}
