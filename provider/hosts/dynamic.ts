/*
 * Pulumi's dynamic provider host for Node. The state of every resource names this file's entry of the package,
 * `pulumi-borgbase/dynamic`, and its function `host`: neither may ever move.
 */
import type { dynamic } from "@pulumi/pulumi";
import type { Api } from "../api";
import { type GivenConfig, resolveConfig } from "../config";
import { type Failure, isKind, ProviderError } from "../errors";
import { Journal } from "../journal";
import { check, create, diff, type Properties, read, remove, update } from "../lifecycle";
import { DeploymentMemory } from "../lifecycle/deploymentMemory";
import { parsePropertyPath, withValueFrom } from "../lifecycle/propertyPath";
import type { Context } from "../lifecycle/resource";
import { once } from "../once";
import { type FunctionName, type FunctionResult, functionOf, resourceOf } from "../registry";
import { deletedUrn, PROVIDER_TEXT, project } from "./dynamicHostInternals";
import { told } from "./expectedErrors";
import { endWithEngine } from "./process";
import { fromEngine, toEngine } from "./values";

/** `STACK/NAME` of the resource in the program, which the host tells to nobody. In the inputs only. */
const ORIGIN = "__origin";
/** Options of the resource that the host does not hand on, from the program. In the inputs only. */
const IGNORE_CHANGES = "__ignoreChanges";
const REPLACE_ON_CHANGES = "__replaceOnChanges";
const OWN = [ORIGIN, IGNORE_CHANGES, REPLACE_ON_CHANGES];

/** The provider of one type of resource, for the host. */
export function host(type: string): dynamic.ResourceProvider {
  endWithEngine();
  const resource = resourceOf(type);
  let given: GivenConfig = {};
  const connection = once(() => connectionFor(given));
  const context = (inputs: Properties): Context => {
    const origin = inputs[ORIGIN];
    return {
      ...connection(),
      name: nameIn(origin) ?? "",
      ...(typeof origin === "string" && { origin: `${project()}/${origin}` }),
      replaceOnChanges: listIn(inputs[REPLACE_ON_CHANGES]),
      log: (line) => console.log(line),
    };
  };

  return {
    // Synchronous: the host calls the next method without waiting for this one.
    async configure({ config }) {
      given = { token: config.get("borgbase:token"), endpoint: config.get("borgbase:endpoint") };
    },

    check: (olds, news) =>
      told(async () => {
        const { inputs, failures } = await check(resource, known(olds), known(news), context(news));
        const own = Object.fromEntries(OWN.filter((name) => name in news).map((name) => [name, news[name]]));
        return { inputs: { ...toEngine(inputs), ...own }, failures: [...failures, ...unusableOptions(news)] };
      }),

    diff: (id, olds, news) =>
      told(async () => {
        const { changed, replaces } = await diff(resource, id, known(olds), wanted(olds, news), context(news));
        // A provider text of another release is renewed by an update, which writes nothing that is the same.
        return { changes: changed.length > 0 || olds[PROVIDER_TEXT] !== news[PROVIDER_TEXT], replaces };
      }),

    create: (inputs) =>
      told(async () => {
        const { id, state } = await create(resource, known(inputs), context(inputs));
        return { id, outs: state };
      }),

    read: (id, props) =>
      told(async () => {
        const before = known(props);
        const state = await read(resource, id, before, context({}));
        if (state) return { id, props: state };
        // Where nothing but the id is known, a program asks for an object of other hands. The engine would take the empty
        // answer for an object without values, as the host adds its text to it.
        if (Object.keys(before).length === 0) throw new ProviderError("notFound", `There is no ${type} ${id}.`);
        return {} as dynamic.ReadResult;
      }),

    update: (id, olds, news) =>
      told(async () => ({ outs: await update(resource, id, known(olds), wanted(olds, news), context(news)) })),

    // Read by the host right before it calls it: the request that it asks for the id meanwhile is this deletion's.
    get delete() {
      const urn = deletedUrn();
      return (id: string, props: Properties) => {
        const own = { [ORIGIN]: originIn(urn()) };
        return told(() => remove(resource, id, known(props), context(own)));
      };
    },
  };
}

/** Answers a data function of a program, which runs in the program's own process. */
export async function invoke<N extends FunctionName>(
  name: N,
  args: unknown,
  given: GivenConfig,
): Promise<FunctionResult<N>> {
  const { schema, run } = functionOf(name);
  const parsed = (await schema.parser()).safeParse(args);
  if (!parsed.success) {
    throw new ProviderError("input", `${name}: ${parsed.error.issues.map((issue) => issue.message).join("; ")}`);
  }
  return (await run(parsed.data, { api: () => connectionFor(given).api(), name, log: () => {} })) as FunctionResult<N>;
}

interface Connection {
  api(): Promise<Api>;
  journal: Journal;
  memory: DeploymentMemory;
}

const connections = new Map<string, Connection>();

/** One client per account and process: reads that are asked for together share an answer. */
function connectionFor(given: GivenConfig): Connection {
  const config = resolveConfig(given);
  const key = JSON.stringify([config.endpoint, config.token]);
  let connection = connections.get(key);
  if (!connection) {
    const journal = new Journal(config.endpoint);
    let api: Promise<Api> | undefined;
    connection = {
      journal,
      memory: new DeploymentMemory(),
      api() {
        // Loaded here, as an operation on key pairs alone speaks with nobody.
        api ??= import("../api/index.js").then(({ connect }) => connect(config, { journal }));
        return api;
      },
    };
    connections.set(key, connection);
  }
  return connection;
}

/** Of `urn:pulumi:STACK::PROJECT::TYPE::NAME`, where a name may hold anything. */
function originIn(urn: string | undefined): string | undefined {
  const [stack, , , ...name] = urn?.replace("urn:pulumi:", "").split("::") ?? [];
  return name.length > 0 ? `${stack}/${name.join("::")}` : undefined;
}

/** Stack names hold no slash; resource names may. */
function nameIn(origin: unknown): string | undefined {
  return typeof origin === "string" ? origin.slice(origin.indexOf("/") + 1) : undefined;
}

/** The engine's values without what belongs to the host, its sign for the unknown made ours. */
function known(values: Properties): Properties {
  const own = { ...values };
  for (const name of [PROVIDER_TEXT, ...OWN]) delete own[name];
  return fromEngine(own);
}

/** The arguments; of those that `ignoreChanges` names, what the resource has, which others may have changed meanwhile. */
function wanted(olds: Properties, news: Properties): Properties {
  const ignored = listIn(news[IGNORE_CHANGES]).map(parsePropertyPath);
  const inputs = known(news);
  if (ignored.length === 0) return inputs;
  const state = known(olds);
  for (const name of Object.keys(inputs).filter((each) => each in state)) {
    for (const [root, ...rest] of ignored) {
      if (root === undefined || root === name) inputs[name] = withValueFrom(inputs[name], rest, state[name]);
    }
  }
  return inputs;
}

/** Before anything is changed, what the program's options say that cannot be done. */
function unusableOptions(news: Properties): Failure[] {
  return [IGNORE_CHANGES, REPLACE_ON_CHANGES].flatMap((option) =>
    listIn(news[option]).flatMap((path) => {
      try {
        parsePropertyPath(path);
        return [];
      } catch (error) {
        if (!isKind(error, "input")) throw error;
        return [{ property: "", reason: `${option.slice(2)}: ${error.message}` }];
      }
    }),
  );
}

function listIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
