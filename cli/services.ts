import { type Api, connect } from "../provider/api";
import { connectBorgUi } from "../provider/borgui";
import { type BorgUiConfig, resolveBorgUi } from "../provider/borgui/config";
import { type Config, resolveConfig } from "../provider/config";
import type { RequestOptions } from "../provider/remote/requests";
import type { ProviderSettings } from "../provider/settings";
import { HOST_PACKAGE } from "../sdk/pulumiInternals";
import { readSettings, type StateResource } from "./stack";

/** Ids and names by the type of the object. */
export type Objects = Record<string, { id: string; name: string }[]>;

export interface BorgBaseService {
  kind: "borgBase";
  address: string;
  login: string | undefined;
  config: Config;
  api: Api;
  objects(): Promise<Objects>;
}

export interface BorgUiService {
  kind: "borgUi";
  address: string;
  login: BorgUiConfig["login"];
  config: BorgUiConfig;
  objects(): Promise<Objects>;
}

/** An account at BorgBase or a Borg UI server. Sends its first request on first use. */
export type Service = BorgBaseService | BorgUiService;

/** Settings in a provider's inputs, by the provider's type. The plugin's have no prefix. */
const PROVIDERS: Record<string, (inputs: Record<string, unknown>) => ProviderSettings> = {
  [`pulumi:providers:${HOST_PACKAGE}`]: (inputs) => readSettings((name) => inputs[`borgbase:${name}`]),
  "pulumi:providers:borgbase": (inputs) => readSettings((name) => inputs[name]),
};

/** The settings that the last `pulumi up` saved for a provider. Undefined for any other resource. */
export function settingsOfProvider({ type, inputs }: StateResource): ProviderSettings | undefined {
  return PROVIDERS[type]?.(inputs);
}

/**
 * The distinct accounts and servers. One without a login counts only if its address has none with a login: its error is
 * reported.
 */
export function servicesOf(given: ProviderSettings[], options: RequestOptions = {}): Service[] {
  const all = new Map<string, Service>();
  for (const settings of given) {
    for (const each of [accountOf(settings, options), serverOf(settings, options)]) {
      if (each && !all.has(keyOf(each))) all.set(keyOf(each), each);
    }
  }
  const services = [...all.values()];
  const withLogin = new Set(services.filter(({ login }) => login).map(({ address }) => address));
  return services.filter(({ address, login }) => login || !withLogin.has(address));
}

/**
 * The services that a stack's default provider and its other providers use.
 * @param configured settings of the stack's configuration
 */
export function servicesOfStack(
  configured: ProviderSettings,
  resources: readonly StateResource[],
  options?: RequestOptions,
): Service[] {
  return servicesOf([configured, ...resources.flatMap((each) => settingsOfProvider(each) ?? [])], options);
}

/** Identity of an account or a server, with its login. */
export function keyOf({ address, login }: Pick<Service, "address" | "login">): string {
  return JSON.stringify([address, login]);
}

function accountOf(settings: ProviderSettings, options: RequestOptions): BorgBaseService {
  const config = resolveConfig(settings);
  const api = connect(config, options);
  const objects = async () => ({ SshKey: await api.keys.all(), Repo: await api.repos.all() });
  return { kind: "borgBase", address: config.endpoint, login: config.token, config, api, objects };
}

function serverOf(settings: ProviderSettings, options: RequestOptions): BorgUiService | undefined {
  const config = resolveBorgUi(settings);
  if (config.url === undefined) return undefined;
  const { systemKeys, keys, connections, repositories, plans } = connectBorgUi(config, options);
  const objects = async () => ({
    "borgui.SystemKey": await systemKeys.all(),
    "borgui.Key": await keys.all(),
    "borgui.Connection": await connections.all(),
    "borgui.Repository": await repositories.all(),
    "borgui.BackupPlan": await plans.all(),
  });
  return { kind: "borgUi", address: config.url, login: config.login, config, objects };
}
