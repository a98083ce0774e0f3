/* Connection and context of a call, from what a host knows of its resource. All hosts share them. */
import type { Api } from "../api";
import type { BorgUi } from "../borgui";
import { resolveBorgUi } from "../borgui/config";
import { resolveConfig } from "../config";
import { lazy } from "../lazy";
import { DeploymentMemory } from "../lifecycle/deploymentMemory";
import type { Context } from "../lifecycle/resource";
import { PendingCreates, serviceOf } from "../pendingCreates";
import type { Interruption } from "../remote/interruption";
import type { ProviderSettings } from "../settings";

/** The services of the settings, and what this process has seen of its objects. */
export interface Connection {
  /** Connects on first use. */
  api(): Promise<Api>;
  /** The Borg UI server of the settings. Connects on first use. */
  borgUi(): Promise<BorgUi>;
  memory: DeploymentMemory;
}

/** Identity of a resource over all runs. */
export interface Origin {
  project: string;
  stack: string;
  /** Types of its parents as in the URN, `A$B`: equal names below different types are different resources. Empty without. */
  parents: string;
  name: string;
}

const connections = new Map<string, Connection>();

/** One connection per account and process: reads at the same time share an answer. */
export function connectionFor(settings: ProviderSettings): Connection {
  const { endpoint, token } = resolveConfig(settings);
  const key = JSON.stringify([endpoint, token, resolveBorgUi(settings)]);
  const connection = connections.get(key) ?? openConnection(settings);
  connections.set(key, connection);
  return connection;
}

/** The pending creates of each service, on this machine. */
export function pendingCreatesFor(settings: ProviderSettings) {
  return {
    borgBase: new PendingCreates(resolveConfig(settings).endpoint),
    borgUi: new PendingCreates(resolveBorgUi(settings).url ?? ""),
  };
}

/** A connection of its own, for one run of an engine. */
export function openConnection(settings: ProviderSettings, interruption?: Interruption): Connection {
  const config = resolveConfig(settings);
  const borgUiConfig = resolveBorgUi(settings);
  const pending = pendingCreatesFor(settings);
  const ends = interruption && { interruption };
  return {
    memory: new DeploymentMemory({
      resolveByObject: (kind, id) => pending[serviceOf(kind)].resolveByObject(kind, id),
    }),
    // Both loaded on first use: operations on key pairs need no service.
    api: lazy(async () => {
      const { connect } = await import("../api/index.js");
      return connect(config, { pendingCreates: pending.borgBase, ...ends });
    }),
    borgUi: lazy(async () => {
      const { connectBorgUi } = await import("../borgui/index.js");
      return connectBorgUi(borgUiConfig, { pendingCreates: pending.borgUi, ...ends });
    }),
  };
}

/**
 * Context of one call.
 * @param origin absent where the host does not know the resource: then no interrupted run is recovered
 */
export function contextFor(
  connection: Connection,
  origin: Origin | undefined,
  options: { replaceOnChanges?: readonly string[]; log(line: string): void },
): Context {
  return {
    ...connection,
    ...options,
    name: origin?.name ?? "",
    ...(origin && { origin: textOf(origin) }),
  };
}

function textOf({ project, stack, parents, name }: Origin): string {
  return `${project}/${stack}/${parents && `${parents}::`}${name}`;
}

/** Reads `urn:pulumi:STACK::PROJECT::PARENTS$TYPE::NAME`. A name may contain any text, `::` too. */
export function originOfUrn(urn: string): Origin | undefined {
  const [stack, project, type, ...name] = urn.replace("urn:pulumi:", "").split("::");
  if (stack === undefined || project === undefined || type === undefined || name.length === 0) return undefined;
  return { project, stack, parents: type.split("$").slice(0, -1).join("$"), name: name.join("::") };
}
