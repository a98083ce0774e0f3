/*
 * A provider plugin: Pulumi's resource provider service in front of the lifecycle. Programs in every language use it, and
 * the engine passes it what the dynamic host hides: URN, inputs, previews, options.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { type PluginAttach, PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { ProviderError } from "../errors";
import type { Properties } from "../lifecycle";
import { type FunctionName, functionOf, functions } from "../registry";
import { SETTING_NAMES, SETTINGS, settingsFrom } from "../settings";
import { nameOf } from "../token";
import { EngineLog } from "./engineLog";
import { readStructsLazily } from "./lazyStructs";
import { resourceCalls } from "./pluginResources";
import { PluginSession } from "./pluginSession";
import { fromStruct, toStruct } from "./wire";

/** Switch of the SDK between the hosts, which the stack's configuration passes here too. */
const SDK_SWITCH = "plugin";

readStructsLazily(rpc);

const SECRET_SETTINGS = new Set<string>(SETTING_NAMES.filter((name) => SETTINGS[name].secret));

/** All calls of the service; the rest are answered with UNIMPLEMENTED. */
export function pluginService(log: EngineLog): UntypedServiceImplementation {
  const session = new PluginSession(log);
  const call = session.call.bind(session) as PluginSession["call"];
  return {
    ...resourceCalls(session),

    // Inputs then arrive in plain, and the engine marks the outputs of the same name by itself.
    handshake: call((request: rpc.ProviderHandshakeRequest) => {
      if (request.getEngineAddress()) log.connect(request.getEngineAddress());
      return new rpc.ProviderHandshakeResponse().setAcceptSecrets(false);
    }),

    /** Instead of a start by the engine, where a person has started the plugin. */
    attach: call((request: PluginAttach) => {
      log.connect(request.getAddress());
      return new Empty();
    }),

    getPluginInfo: call(() => new PluginInfo().setVersion(packageSchema().version)),

    getSchema: call(() => new rpc.GetSchemaResponse().setSchema(packageSchema().text)),

    checkConfig: call((request: rpc.CheckRequest) => {
      const { [SDK_SWITCH]: _, ...settings } = fromStruct(request.getNews());
      return new rpc.CheckResponse().setInputs(toStruct(settings, SECRET_SETTINGS));
    }),

    /** Another setting updates the provider, and never replaces a resource. */
    diffConfig: call((request: rpc.DiffRequest) => {
      const [olds, news] = [fromStruct(request.getOldInputs() ?? request.getOlds()), fromStruct(request.getNews())];
      const names = [...new Set([...Object.keys(olds), ...Object.keys(news)])];
      const changed = names.filter((name) => name !== SDK_SWITCH && !isDeepStrictEqual(olds[name], news[name]));
      const { DIFF_SOME, DIFF_NONE } = rpc.DiffResponse.DiffChanges;
      return new rpc.DiffResponse().setDiffsList(changed).setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE);
    }),

    configure: call((request: rpc.ConfigureRequest) => {
      // Every `borgbase:…` key of the stack arrives here.
      const args = fromStruct(request.getArgs());
      session.configure(settingsFrom((name) => args[name]));
      return new rpc.ConfigureResponse().setSupportspreview(true);
    }),

    invoke: call(async (request: rpc.InvokeRequest) => {
      const result = await answered(session, nameOf(request.getTok()), fromStruct(request.getArgs()));
      return new rpc.InvokeResponse().setReturn(toStruct(result));
    }),

    /** The engine calls it at every end, after an interruption while calls are under way. */
    cancel: call(() => {
      session.interrupt();
      return new Empty();
    }),
  };
}

export interface ServedPlugin {
  port: number;
  /** Accepts no more calls, and resolves when all calls under way are answered. */
  finish(): Promise<void>;
  /** Ends all calls. */
  close(): Promise<void>;
}

/** Serves the plugin on a free port of this machine. */
export async function servePlugin(log = new EngineLog()): Promise<ServedPlugin> {
  const server = new Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    // Nobody asks for its statistics, which it would keep per call.
    "grpc.enable_channelz": 0,
  });
  server.addService(ResourceProviderService, pluginService(log));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    finish: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    async close() {
      server.forceShutdown();
      log.close();
    },
  };
}

async function answered(session: PluginSession, name: string, args: Properties): Promise<Properties> {
  if (!Object.hasOwn(functions, name)) throw new ProviderError("input", `pulumi-borgbase has no function ${name}.`);
  const { invokeFunctionWith } = await import("./invoke.js");
  const result: unknown = await invokeFunctionWith(session.connection, name as FunctionName, args);
  const { list } = functionOf(name as FunctionName).schema;
  // Languages other than TypeScript need an object.
  return list === undefined ? (result as Properties) : { [list]: result };
}

/** The package schema: beside this file or above, in the checkout, in the npm package and in an installed plugin. */
function packageSchema(): { text: string; version: string } {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    try {
      const text = readFileSync(join(folder, "schema.json"), "utf8");
      return { text, version: (JSON.parse(text) as { version: string }).version };
    } catch (error) {
      if (folder === dirname(folder)) throw error;
    }
  }
}
