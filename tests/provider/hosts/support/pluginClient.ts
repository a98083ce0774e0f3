import * as grpc from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { EngineLog } from "../../../../provider/hosts/engineLog";
import { servePlugin } from "../../../../provider/hosts/plugin";
import type { ProviderSettings } from "../../../../provider/settings";
import { tokenOf } from "../../../../provider/token";

export type Values = Record<string, unknown>;

const MARK = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** What the engine writes for a text that is not known yet. */
export const UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A secret as the wire has it. */
export const secret = (value: unknown) => ({ [MARK]: SECRET, value });

export const struct = (values: Values) => Struct.fromJavaScript(values as Record<string, JavaScriptValue>);

/** Values as they are on the wire, marks and all. */
export const valuesOf = (values: Struct | undefined): Values => values?.toJavaScript() ?? {};

export const urnOf = (type: string, name = "web") => `urn:pulumi:test::project::${tokenOf(type)}::${name}`;

/** A plugin of this process over a loopback port, and the engine's log beside it. */
export class PluginClient {
  /** `URN: LINE` of everything that the plugin has logged. */
  readonly lines: string[] = [];

  private constructor(
    readonly client: ResourceProviderClient,
    private readonly closers: (() => void)[],
  ) {}

  static async start(): Promise<PluginClient> {
    const engine = new grpc.Server();
    const log = new EngineLog();
    const { port, close } = await servePlugin(log);
    const client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    const plugin = new PluginClient(client, [() => client.close(), () => void close(), () => engine.forceShutdown()]);
    engine.addService(EngineService, {
      log: ({ request }: { request: LogRequest }, respond: grpc.sendUnaryData<Empty>) => {
        plugin.lines.push(`${request.getUrn()}: ${request.getMessage()}`);
        respond(null, new Empty());
      },
    });
    const address = await new Promise<number>((resolve, reject) => {
      engine.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    const handshake = new rpc.ProviderHandshakeRequest().setEngineAddress(`127.0.0.1:${address}`);
    await plugin.call("handshake", handshake);
    return plugin;
  }

  /** One unary call, its error with the details as message. */
  call<Response>(method: keyof ResourceProviderClient, request: unknown): Promise<Response> {
    return new Promise((resolve, reject) => {
      const unary = this.client[method] as unknown as (
        request: unknown,
        done: (error: grpc.ServiceError | null, response: Response) => void,
      ) => void;
      unary.call(this.client, request, (error, response) => {
        if (error) reject(Object.assign(error, { message: error.details }));
        else resolve(response);
      });
    });
  }

  configure(settings: ProviderSettings | Values): Promise<rpc.ConfigureResponse> {
    return this.call("configure", new rpc.ConfigureRequest().setArgs(struct({ ...settings })));
  }

  async check(type: string, news: Values, olds?: Values, name?: string) {
    const request = new rpc.CheckRequest().setUrn(urnOf(type, name)).setNews(struct(news));
    if (olds) request.setOlds(struct(olds));
    const response = await this.call<rpc.CheckResponse>("check", request);
    const failures = response.getFailuresList().map((each) => `${each.getProperty()}: ${each.getReason()}`);
    return { inputs: valuesOf(response.getInputs()), failures };
  }

  async diff(
    type: string,
    id: string,
    state: Values,
    news: Values,
    more: { oldInputs?: Values; ignoreChanges?: string[]; name?: string } = {},
  ) {
    const request = new rpc.DiffRequest()
      .setUrn(urnOf(type, more.name))
      .setId(id)
      .setOlds(struct(state))
      .setNews(struct(news))
      .setIgnorechangesList(more.ignoreChanges ?? []);
    if (more.oldInputs) request.setOldInputs(struct(more.oldInputs));
    const response = await this.call<rpc.DiffResponse>("diff", request);
    const kinds = Object.entries(rpc.PropertyDiff.Kind);
    const paths: Record<string, string> = {};
    response.getDetaileddiffMap().forEach((each, path) => {
      const kind = kinds.find(([, value]) => value === each.getKind())?.[0];
      paths[path] = `${kind}${each.getInputdiff() ? " of the input" : ""}`;
    });
    return {
      isChanged: response.getChanges() === rpc.DiffResponse.DiffChanges.DIFF_SOME,
      changed: response.getDiffsList(),
      replaces: response.getReplacesList(),
      paths,
    };
  }

  async create(type: string, inputs: Values, preview = false, name?: string) {
    const request = new rpc.CreateRequest().setUrn(urnOf(type, name)).setProperties(struct(inputs)).setPreview(preview);
    const response = await this.call<rpc.CreateResponse>("create", request);
    return { id: response.getId(), state: valuesOf(response.getProperties()) };
  }

  /** @param known properties and inputs of a refresh; absent for an import */
  async read(type: string, id: string, known?: { properties: Values; inputs: Values }, name?: string) {
    const request = new rpc.ReadRequest().setUrn(urnOf(type, name)).setId(id);
    if (known) request.setProperties(struct(known.properties)).setInputs(struct(known.inputs));
    const response = await this.call<rpc.ReadResponse>("read", request);
    return {
      id: response.getId(),
      state: valuesOf(response.getProperties()),
      inputs: valuesOf(response.getInputs()),
    };
  }

  async update(
    type: string,
    id: string,
    state: Values,
    news: Values,
    more: { preview?: boolean; ignoreChanges?: string[]; oldInputs?: Values } = {},
  ): Promise<Values> {
    const request = new rpc.UpdateRequest()
      .setUrn(urnOf(type))
      .setId(id)
      .setOlds(struct(state))
      .setNews(struct(news))
      .setPreview(more.preview ?? false)
      .setIgnorechangesList(more.ignoreChanges ?? []);
    if (more.oldInputs) request.setOldInputs(struct(more.oldInputs));
    return valuesOf((await this.call<rpc.UpdateResponse>("update", request)).getProperties());
  }

  async delete(type: string, id: string, state: Values): Promise<void> {
    await this.call("delete", new rpc.DeleteRequest().setUrn(urnOf(type)).setId(id).setProperties(struct(state)));
  }

  async invoke(name: string, args: Values): Promise<Values> {
    const request = new rpc.InvokeRequest().setTok(tokenOf(name)).setArgs(struct(args));
    return valuesOf((await this.call<rpc.InvokeResponse>("invoke", request)).getReturn());
  }

  list(type: string, query: Values = {}, limit = 0): Promise<{ id: string; name: string }[]> {
    const request = new rpc.ListRequest().setToken(tokenOf(type)).setQuery(struct(query)).setLimit(limit);
    return new Promise((resolve, reject) => {
      const found: { id: string; name: string }[] = [];
      this.client
        .list(request)
        .on("data", (response: rpc.ListResponse) => {
          const result = response.getResult();
          if (result) found.push({ id: result.getId(), name: result.getName() });
        })
        .on("end", () => resolve(found))
        .on("error", (error: grpc.ServiceError) => reject(Object.assign(error, { message: error.details })));
    });
  }

  close(): void {
    for (const close of this.closers) close();
  }
}
