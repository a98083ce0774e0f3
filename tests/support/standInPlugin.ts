/*
 * A provider plugin of package `borgbase`, small as can be: the engine's protocol in front of the same lifecycle. It stands
 * in for the plugin that is to come, to prove that state of the dynamic host moves to it.
 */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { connect } from "../../provider/api";
import { resolveConfig } from "../../provider/config";
import { fromEngine, toEngine } from "../../provider/hosts/values";
import { check, create, diff, type Properties, read, remove, update } from "../../provider/lifecycle";
import type { Context } from "../../provider/lifecycle/resource";
import { resourceOf } from "../../provider/registry";

/** Makes a folder the plugin's, as `plugins.providers[].path` of a project names it. */
export function installPlugin(folder: string): void {
  const file = join(folder, "pulumi-resource-borgbase");
  writeFileSync(file, `#!/bin/sh\nexec node '${__filename}' "$@"\n`);
  chmodSync(file, 0o755);
}

type Call<T> = (request: T) => Promise<object>;

const resource = (urn: string) => resourceOf(urn.split("::")[2]?.split(":").at(-1) ?? "");

function context(urn: string): Context {
  const api = connect(resolveConfig({}), {});
  return { api: async () => api, name: urn.split("::")[3] ?? "", log: () => {} };
}

/** Without what is the dynamic host's own. */
function own(struct: Struct | undefined): Properties {
  const entries = Object.entries(struct?.toJavaScript() ?? {});
  return fromEngine(Object.fromEntries(entries.filter(([name]) => !["__provider", "__origin"].includes(name))));
}

const struct = (values: Properties) => Struct.fromJavaScript(toEngine(values) as Record<string, JavaScriptValue>);

const methods = {
  checkConfig: async (request: rpc.CheckRequest) => new rpc.CheckResponse().setInputs(request.getNews()),
  diffConfig: async () => new rpc.DiffResponse(),
  configure: async () => new rpc.ConfigureResponse().setSupportspreview(true),
  getPluginInfo: async () => new PluginInfo().setVersion("0.0.1"),
  cancel: async () => new Empty(),

  async check(request: rpc.CheckRequest) {
    const [urn, olds, news] = [request.getUrn(), own(request.getOlds()), own(request.getNews())];
    const { inputs, failures } = await check(resource(urn), olds, news, context(urn));
    const response = new rpc.CheckResponse().setInputs(struct(inputs));
    for (const { property, reason } of failures) {
      response.addFailures(new rpc.CheckFailure().setProperty(property).setReason(reason));
    }
    return response;
  },

  async diff(request: rpc.DiffRequest) {
    const [urn, olds, news] = [request.getUrn(), own(request.getOlds()), own(request.getNews())];
    const { changed, replaces } = await diff(resource(urn), request.getId(), olds, news, context(urn));
    // An update writes the state anew, without what the dynamic host has left in it.
    const isForeign = request.getOlds()?.toJavaScript().__provider !== undefined;
    const { DIFF_SOME, DIFF_NONE } = rpc.DiffResponse.DiffChanges;
    return new rpc.DiffResponse()
      .setChanges(changed.length > 0 || isForeign ? DIFF_SOME : DIFF_NONE)
      .setDiffsList(changed)
      .setReplacesList(replaces);
  },

  async create(request: rpc.CreateRequest) {
    const urn = request.getUrn();
    if (request.getPreview()) return new rpc.CreateResponse().setProperties(request.getProperties());
    const { id, state } = await create(resource(urn), own(request.getProperties()), context(urn));
    return new rpc.CreateResponse().setId(id).setProperties(struct(state));
  },

  async read(request: rpc.ReadRequest) {
    const urn = request.getUrn();
    const state = await read(resource(urn), request.getId(), own(request.getProperties()), context(urn));
    const response = new rpc.ReadResponse().setInputs(request.getInputs());
    return state ? response.setId(request.getId()).setProperties(struct(state)) : response;
  },

  async update(request: rpc.UpdateRequest) {
    const [urn, olds, news] = [request.getUrn(), own(request.getOlds()), own(request.getNews())];
    // Without it, what others take from this resource were unknown in the preview.
    if (request.getPreview()) return new rpc.UpdateResponse().setProperties(struct({ ...olds, ...news }));
    const state = await update(resource(urn), request.getId(), olds, news, context(urn));
    return new rpc.UpdateResponse().setProperties(struct(state));
  },

  async delete(request: rpc.DeleteRequest) {
    const urn = request.getUrn();
    await remove(resource(urn), request.getId(), own(request.getProperties()), context(urn));
    return new Empty();
  },
};

function serve(): void {
  const server = new grpc.Server();
  const handlers = Object.entries(methods).map(([name, method]) => {
    const call = method as Call<unknown>;
    const handler: grpc.handleUnaryCall<unknown, object> = ({ request }, answer) => {
      call(request).then(
        (response) => answer(null, response),
        (error: Error) => answer({ code: grpc.status.UNKNOWN, message: error.message }),
      );
    };
    return [name, handler] as const;
  });
  server.addService(ResourceProviderService, Object.fromEntries(handlers));
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    // The engine reads the port from the one line that a plugin prints.
    console.log(port);
  });
}

if (require.main === module) serve();
