import type { Stack } from "@pulumi/pulumi/automation";
import { connect } from "../provider/api";
import { type Config, type ProviderSettings, resolveConfig } from "../provider/config";
import { type PendingCreate, PendingCreates } from "../provider/pendingCreates";
import { HOST_PACKAGE } from "../sdk/pulumiInternals";
import { readSettings, resourcesOf, settingsOf } from "./stack";

/** An object that an interrupted run of the stack created in an account, and that the state lacks. */
export interface Orphan {
  type: string;
  /** Name of the resource in the program; below parents, their types come first: `acme:index:Machine::web`. */
  name: string;
  /** Id at BorgBase. */
  id: string;
  /** Evidence: the id in the response of the create, or, without a response, a name that did not exist before. */
  toldBy: "id" | "name";
}

const TYPE = "borgbase:index:";

/** Settings in a provider's inputs, by the provider's type. The plugin's have no prefix. */
const PROVIDERS: Record<string, (inputs: Record<string, unknown>) => ProviderSettings> = {
  [`pulumi:providers:${HOST_PACKAGE}`]: (inputs) => readSettings(inputs["borgbase:token"], inputs["borgbase:endpoint"]),
  "pulumi:providers:borgbase": ({ token, endpoint }) => readSettings(token, endpoint),
};

/**
 * The stack's pending creates on this machine whose objects exist, in the accounts of the stack's state and configuration.
 * Sends requests to BorgBase only for accounts with pending creates.
 */
export async function orphansOf(stack: Stack): Promise<Orphan[]> {
  const [{ name: project }, resources, configured] = await Promise.all([
    stack.workspace.projectSettings(),
    resourcesOf(stack),
    settingsOf(stack),
  ]);
  const known = new Set(resources.map(({ type, id }) => `${type} ${id}`));
  const given = resources.flatMap(({ type, inputs }) => PROVIDERS[type]?.(inputs) ?? []);

  const orphans = new Map<string, Orphan>();
  for (const config of accounts([configured, ...given])) {
    const pending = new PendingCreates(config.endpoint).pendingIn(project, stack.name.split("/").at(-1) ?? "");
    for (const orphan of await orphansIn(config, pending)) {
      const object = `${orphan.type} ${orphan.id}`;
      if (!known.has(object)) orphans.set(object, orphan);
    }
  }
  return [...orphans.values()];
}

async function orphansIn(config: Config, pending: PendingCreate[]): Promise<Orphan[]> {
  if (pending.length === 0) return [];
  const { keys, repos } = connect(config);
  const objects: Record<string, { id: string; name: string }[]> = { SshKey: await keys.all(), Repo: await repos.all() };
  return pending.flatMap(({ kind, origin, id, args, before }) =>
    (objects[kind] ?? [])
      .filter((item) => (id === undefined ? item.name === args.name && !before.includes(item.id) : item.id === id))
      .map((item) => ({
        type: TYPE + kind,
        // Project and stack names contain no slash; resource names may.
        name: origin.split("/").slice(2).join("/"),
        id: item.id,
        toldBy: id === undefined ? "name" : "id",
      })),
  );
}

/** The distinct accounts. One without a token counts only if its endpoint has none with a token: its error is reported. */
function accounts(given: ProviderSettings[]): Config[] {
  const all = new Map<string, Config>();
  for (const settings of given) {
    const config = resolveConfig(settings);
    all.set(JSON.stringify([config.endpoint, config.token]), config);
  }
  const configs = [...all.values()];
  const withToken = new Set(configs.filter(({ token }) => token).map(({ endpoint }) => endpoint));
  return configs.filter(({ endpoint, token }) => token || !withToken.has(endpoint));
}
