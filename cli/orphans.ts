import type { Stack } from "@pulumi/pulumi/automation";
import { connect } from "../provider/api";
import { connectBorgUi } from "../provider/borgui";
import { resolveBorgUi } from "../provider/borgui/config";
import { resolveConfig } from "../provider/config";
import { type PendingCreate, PendingCreates } from "../provider/pendingCreates";
import type { ProviderSettings } from "../provider/settings";
import { tokenOf } from "../provider/token";
import { HOST_PACKAGE } from "../sdk/pulumiInternals";
import { readSettings, resourcesOf, settingsOf } from "./stack";

/** An object that an interrupted run of the stack created in an account, and that the state lacks. */
export interface Orphan {
  type: string;
  /** Name of the resource in the program; below parents, their types come first: `acme:index:Machine::web`. */
  name: string;
  /** Id at BorgBase or in Borg UI. */
  id: string;
  /** Evidence: the id in the response of the create, or, without a response, a name that did not exist before. */
  toldBy: "id" | "name";
}

/** Settings in a provider's inputs, by the provider's type. The plugin's have no prefix. */
const PROVIDERS: Record<string, (inputs: Record<string, unknown>) => ProviderSettings> = {
  [`pulumi:providers:${HOST_PACKAGE}`]: (inputs) => readSettings((name) => inputs[`borgbase:${name}`]),
  "pulumi:providers:borgbase": (inputs) => readSettings((name) => inputs[name]),
};

/**
 * The stack's pending creates on this machine whose objects exist, in the accounts and servers of the stack's state and
 * configuration. Sends requests only to those with pending creates.
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
  for (const service of servicesOf([configured, ...given])) {
    const pending = new PendingCreates(service.address).pendingIn(project, stack.name.split("/").at(-1) ?? "");
    for (const orphan of await orphansIn(service, pending)) {
      const object = `${orphan.type} ${orphan.id}`;
      if (!known.has(object)) orphans.set(object, orphan);
    }
  }
  return [...orphans.values()];
}

async function orphansIn(service: Service, pending: PendingCreate[]): Promise<Orphan[]> {
  if (pending.length === 0) return [];
  const objects = await service.objects();
  return pending.flatMap(({ kind, origin, id, args, before }) =>
    (objects[kind] ?? [])
      .filter((item) => (id === undefined ? item.name === args.name && !before.includes(item.id) : item.id === id))
      .map((item) => ({
        type: tokenOf(kind),
        // Project and stack names contain no slash; resource names may.
        name: origin.split("/").slice(2).join("/"),
        id: item.id,
        toldBy: id === undefined ? "name" : "id",
      })),
  );
}

/** An account or a server, and its objects by the name of their type. */
interface Service {
  address: string;
  objects(): Promise<Record<string, { id: string; name: string }[]>>;
}

/**
 * The distinct accounts and servers. One without a login counts only if its address has none with a login: its error is
 * reported.
 */
function servicesOf(given: ProviderSettings[]): Service[] {
  const accounts = given.map((settings) => {
    const config = resolveConfig(settings);
    return { address: config.endpoint, login: config.token, objects: () => objectsOfAccount(config) };
  });
  const servers = given.flatMap((settings) => {
    const config = resolveBorgUi(settings);
    if (config.url === undefined) return [];
    return [{ address: config.url, login: config.login, objects: () => objectsOfServer(config) }];
  });
  const all = new Map<string, (typeof accounts | typeof servers)[number]>();
  for (const each of [...accounts, ...servers]) all.set(JSON.stringify([each.address, each.login]), each);
  const services = [...all.values()];
  const withLogin = new Set(services.filter(({ login }) => login).map(({ address }) => address));
  return services.filter(({ address, login }) => login || !withLogin.has(address));
}

async function objectsOfAccount(config: Parameters<typeof connect>[0]) {
  const { keys, repos } = connect(config);
  return { SshKey: await keys.all(), Repo: await repos.all() };
}

async function objectsOfServer(config: Parameters<typeof connectBorgUi>[0]) {
  const { systemKeys, keys, connections, repositories, plans } = connectBorgUi(config);
  return {
    "borgui.SystemKey": await systemKeys.all(),
    "borgui.Key": await keys.all(),
    "borgui.Connection": await connections.all(),
    "borgui.Repository": await repositories.all(),
    "borgui.BackupPlan": await plans.all(),
  };
}
