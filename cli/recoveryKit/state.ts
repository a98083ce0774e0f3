import type { Stack } from "@pulumi/pulumi/automation";
import { nameOf } from "../../provider/token";
import { nameIn, plain, resourcesOf, type StateResource } from "../stack";

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
  const [resources, config] = await Promise.all([resourcesOf(stack), stack.getAllConfig()]);
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

function toResource({ type, urn, id, inputs, outputs, ...rest }: StateResource): KitResource[] {
  // A component has no id, and nothing to recover beside its children.
  if (id === undefined) return [];
  const path = urn.split("::").slice(2).join("::");
  const given = plain(inputs) as Record<string, unknown>;
  const values = { ...given, ...(plain(outputs) as Record<string, unknown>) };
  return [
    {
      type: nameOf(type),
      name: nameIn(urn),
      id,
      path,
      inputs: given,
      values,
      isManaged: !rest.delete && !rest.external,
    },
  ];
}
