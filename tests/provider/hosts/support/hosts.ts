import { host } from "../../../../provider/hosts/dynamic";
import type { ProviderSettings } from "../../../../provider/settings";
import { PluginClient, type Values } from "./pluginClient";

/** One run of an engine against a host, in the host's own way. Values are without secret marks and hidden inputs. */
export interface HostRun {
  check(type: string, news: Values, olds?: Values): Promise<{ inputs: Values; failures: string[] }>;
  diff(type: string, id: string, state: Values, inputs: Values, options?: Options): Promise<Difference>;
  create(type: string, inputs: Values): Promise<{ id: string; state: Values }>;
  /** Undefined: the object is gone. */
  read(type: string, id: string, state: Values, inputs: Values): Promise<Values | undefined>;
  update(type: string, id: string, state: Values, inputs: Values, options?: Options): Promise<Values>;
  delete(type: string, id: string, state: Values): Promise<void>;
  close(): void;
}

export interface Options {
  ignoreChanges?: string[];
}

export interface Difference {
  isChanged: boolean;
  replaces: string[];
}

type Settings = ProviderSettings;

/** Starts a run: what an earlier one has seen is forgotten. */
export const HOSTS: Record<string, (settings: Settings) => Promise<HostRun>> = {
  "dynamic host": dynamicRun,
  plugin: pluginRun,
};

const HIDDEN = ["__provider", "__origin", "__parents", "__ignoreChanges", "__replaceOnChanges"];

let runs = 0;

async function dynamicRun({ endpoint = "http://127.0.0.1:1/", ...others }: Settings): Promise<HostRun> {
  // A process serves one run. The same address in another spelling stands for another process.
  const settings = { ...others, endpoint: `${endpoint}#${++runs}` };
  const config = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`borgbase:${name}`, value]));
  const serve = async (type: string) => {
    const provider = host(type);
    await provider.configure?.({ config: { get: (key: string) => config[key] } } as never);
    return provider;
  };
  const hidden = ({ ignoreChanges }: Options = {}) => ({
    __provider: "text",
    __origin: "test/web",
    ...(ignoreChanges && { __ignoreChanges: ignoreChanges }),
  });
  return {
    async check(type, news, olds = {}) {
      const answer = await (await serve(type)).check?.(olds, { ...news, ...hidden() });
      const failures = answer?.failures?.map(({ property, reason }) => `${property}: ${reason}`) ?? [];
      return { inputs: visible(answer?.inputs), failures };
    },
    async diff(type, id, state, inputs, options) {
      const old = { ...state, __provider: "text" };
      const answer = await (await serve(type)).diff?.(id, old, { ...inputs, ...hidden(options) });
      return { isChanged: answer?.changes ?? false, replaces: answer?.replaces ?? [] };
    },
    async create(type, inputs) {
      const { id, outs } = await (await serve(type)).create({ ...inputs, ...hidden() });
      return { id, state: visible(outs) };
    },
    async read(type, id, state) {
      const answer = await (await serve(type)).read?.(id, { ...state, __provider: "text" });
      return answer?.props && visible(answer.props);
    },
    async update(type, id, state, inputs, options) {
      const provider = await serve(type);
      const answer = await provider.update?.(id, { ...state, __provider: "text" }, { ...inputs, ...hidden(options) });
      return visible(answer?.outs);
    },
    async delete(type, id, state) {
      await (await serve(type)).delete?.(id, { ...state, __provider: "text" });
    },
    close() {},
  };
}

async function pluginRun(settings: Settings): Promise<HostRun> {
  const plugin = await PluginClient.start();
  await plugin.configure(settings);
  return {
    async check(type, news, olds) {
      const { inputs, failures } = await plugin.check(type, news, olds);
      return { inputs: visible(inputs), failures };
    },
    async diff(type, id, state, inputs, options) {
      const { isChanged, replaces } = await plugin.diff(type, id, state, inputs, options);
      return { isChanged, replaces };
    },
    async create(type, inputs) {
      const { id, state } = await plugin.create(type, inputs);
      return { id, state: visible(state) };
    },
    async read(type, id, properties, inputs) {
      const { id: found, state } = await plugin.read(type, id, { properties, inputs });
      return found === "" ? undefined : visible(state);
    },
    update: async (type, id, state, inputs, options) => visible(await plugin.update(type, id, state, inputs, options)),
    delete: (type, id, state) => plugin.delete(type, id, state),
    close: () => plugin.close(),
  };
}

/** Without secret marks, hidden inputs and values that are not set. */
function visible(values: Values = {}): Values {
  const plain = JSON.parse(JSON.stringify(values, (_, value) => (isSecret(value) ? value.value : value)));
  for (const name of HIDDEN) delete plain[name];
  return plain;
}

function isSecret(value: unknown): value is { value: unknown } {
  return typeof value === "object" && value !== null && "4dabf18193072939515e22adb298388d" in value;
}
