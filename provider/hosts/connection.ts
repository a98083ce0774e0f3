/* Connection and context of a call, from what a host knows of its resource. All hosts share them. */
import type { Api } from "../api";
import { type ProviderSettings, resolveConfig } from "../config";
import { DeploymentMemory } from "../lifecycle/deploymentMemory";
import type { Context } from "../lifecycle/resource";
import { PendingCreates } from "../pendingCreates";
import type { Interruption } from "../remote/interruption";

/** An account, and what this process has seen of its objects. */
export interface Connection {
  /** Connects on first use. */
  api(): Promise<Api>;
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
  const config = resolveConfig(settings);
  const key = JSON.stringify([config.endpoint, config.token]);
  const connection = connections.get(key) ?? openConnection(settings);
  connections.set(key, connection);
  return connection;
}

/** A connection of its own, for one run of an engine. */
export function openConnection(settings: ProviderSettings, interruption?: Interruption): Connection {
  const config = resolveConfig(settings);
  const pendingCreates = new PendingCreates(config.endpoint);
  let api: Promise<Api> | undefined;
  return {
    memory: new DeploymentMemory(pendingCreates),
    api() {
      // Loaded on first use: operations on key pairs need no API.
      api ??= import("../api/index.js").then(({ connect }) =>
        connect(config, { pendingCreates, ...(interruption && { interruption }) }),
      );
      return api;
    },
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
