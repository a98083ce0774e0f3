import * as pulumi from "@pulumi/pulumi";
import { type ProviderSettings, SETTING_NAMES, SETTINGS, type SettingName } from "../provider/settings";
import { HOST_PACKAGE } from "./pulumiInternals";

export interface ProviderArgs {
  /** API token. Default: the stack's `borgbase:token`, then `BORGBASE_TOKEN` or `BORGBASE_API_TOKEN` of the environment. */
  token?: pulumi.Input<string>;
  /** Address of the API. Default: `borgbase:endpoint`, then `BORGBASE_ENDPOINT`, then the public service. */
  endpoint?: pulumi.Input<string>;
  /** Address of a Borg UI server. Default: the stack's `borgbase:borgUiUrl`, then `BORG_UI_URL` of the environment. */
  borgUiUrl?: pulumi.Input<string>;
  /** Access token of Borg UI. Default: the stack's `borgbase:borgUiToken`, then `BORG_UI_TOKEN` of the environment. */
  borgUiToken?: pulumi.Input<string>;
  /** User of Borg UI, instead of a token. Default: `borgbase:borgUiUsername`, then `BORG_UI_USERNAME`. */
  borgUiUsername?: pulumi.Input<string>;
  /** Password of that user. Default: `borgbase:borgUiPassword`, then `BORG_UI_PASSWORD`. */
  borgUiPassword?: pulumi.Input<string>;
  /**
   * Whether the provider plugin serves the resources, else Pulumi's dynamic provider host. The plugin must be installed:
   * `npx pulumi-borgbase plugin install`. A change moves the resources in place.
   *
   * @default the stack's `borgbase:plugin`, else `false`
   */
  plugin?: boolean;
}

/** The plugin of this very release. Read on first use: most programs need no plugin. */
export function pluginVersion(): string {
  return (require("../../package.json") as { version: string }).version;
}

/** Name of the plugin, and the package of all tokens. */
const PLUGIN_PACKAGE = "borgbase";

const settingsByProvider = new WeakMap<pulumi.ProviderResource, pulumi.Output<ProviderSettings>>();

/**
 * An account at BorgBase and a Borg UI server. A program may use one of them alone. The default provider takes its settings
 * from the stack's configuration and the environment. Several accounts or servers need several Providers, passed to
 * resources and components as `{ provider }`.
 *
 * A secret of this resource or of the configuration is stored encrypted in the state, in this resource's entry alone. A
 * secret of the environment is not stored.
 */
export class Provider extends pulumi.ProviderResource {
  /** Whether the provider plugin serves the resources, else Pulumi's dynamic provider host. */
  readonly plugin: boolean;

  constructor(name: string, args: ProviderArgs = {}, opts?: pulumi.ResourceOptions) {
    const settings = resolve(args);
    const plugin = args.plugin ?? isPluginConfigured();
    if (plugin) super(PLUGIN_PACKAGE, name, settings, { version: pluginVersion(), ...opts });
    else super(HOST_PACKAGE, name, prefixed(settings), opts);
    this.plugin = plugin;
    settingsByProvider.set(this, pulumi.output(settings) as pulumi.Output<ProviderSettings>);
  }

  /**
   * The package of the tokens that it serves; the engine knows the dynamic host's as a provider of `pulumi-nodejs`.
   * Components find the provider for their children by this name.
   */
  getPackage(): string {
    return PLUGIN_PACKAGE;
  }
}

function isPluginConfigured(): boolean {
  return new pulumi.Config("borgbase").getBoolean("plugin") ?? false;
}

/** Whether the plugin serves resources of this provider. A provider of another SDK of this package is always the plugin's. */
export function usesPlugin(provider: pulumi.ProviderResource | undefined): boolean {
  if (provider === undefined) return isPluginConfigured();
  return (provider as Partial<Provider>).plugin ?? true;
}

type GivenSettings = Partial<Record<SettingName, pulumi.Input<string>>>;

/** Settings from the arguments, then the stack's configuration. The provider reads the environment. */
function resolve(args: ProviderArgs): GivenSettings {
  const config = new pulumi.Config("borgbase");
  const found: GivenSettings = {};
  for (const name of SETTING_NAMES) {
    const { secret } = SETTINGS[name];
    const value = args[name] ?? (secret ? config.getSecret(name) : config.get(name));
    if (value !== undefined) found[name] = secret ? pulumi.secret(value) : value;
  }
  return found;
}

/** As the dynamic host reads them. */
function prefixed(settings: GivenSettings): pulumi.Inputs {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`borgbase:${name}`, value]));
}

const TOKEN = "borgbase:index:Repo";
const defaults = new WeakMap<object, Provider>();
const withoutStack = {};

/** The provider of the options, then of their parent; undefined without one. */
export function providerOf(
  opts: Pick<pulumi.CustomResourceOptions, "provider" | "parent">,
): pulumi.ProviderResource | undefined {
  return opts.provider ?? opts.parent?.getProvider(TOKEN);
}

/**
 * The provider of the options or their parent, else the default one of the stack. Undefined: the plugin's default one, which
 * the engine makes from the stack's configuration.
 */
export function providerFor(opts: pulumi.CustomResourceOptions): pulumi.ProviderResource | undefined {
  const inherited = providerOf(opts);
  if (inherited || isPluginConfigured()) return inherited;
  // Per stack: inline programs of several stacks share a process. Unit tests with mocks have no stack.
  const stack = pulumi.runtime.getStackResource() ?? withoutStack;
  let provider = defaults.get(stack);
  if (!provider) {
    provider = new Provider("borgbase-default");
    defaults.set(stack, provider);
  }
  return provider;
}

/** Settings of a data function, which runs in the program's process. */
export function settingsFor(opts: pulumi.InvokeOptions = {}): pulumi.Output<ProviderSettings> {
  const provider = providerOf(opts);
  return (
    (provider && settingsByProvider.get(provider)) ?? (pulumi.output(resolve({})) as pulumi.Output<ProviderSettings>)
  );
}
