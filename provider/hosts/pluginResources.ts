/* The resource calls of the plugin: request, lifecycle, response. */
import type { ServerWritableStream } from "@grpc/grpc-js";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { ProviderError } from "../errors";
import {
  type ChangedPath,
  changedPaths,
  check,
  create,
  diff,
  inputsOfImport,
  inputsOfRefresh,
  moveState,
  type Properties,
  previewCreate,
  previewUpdate,
  read,
  remove,
  update,
  withManagedFields,
} from "../lifecycle";
import { resourceOf } from "../registry";
import { nameOf } from "../token";
import { applyIgnoreChanges, optionFailures } from "./options";
import type { PluginSession } from "./pluginSession";
import { fromStruct, stateIn, toServiceError, toStruct } from "./wire";

export function resourceCalls(session: PluginSession) {
  return {
    check: session.call(async (request: rpc.CheckRequest) => {
      const { resource, context, secrets } = await session.target(request.getUrn());
      const olds = request.hasOlds() ? fromStruct(request.getOlds()) : undefined;
      const { inputs, failures } = await check(resource, olds, fromStruct(request.getNews()), context);
      return new rpc.CheckResponse()
        .setInputs(toStruct(inputs, secrets))
        .setFailuresList(failures.map(({ property, reason }) => failure(property, reason)));
    }),

    diff: session.call(async (request: rpc.DiffRequest) => {
      const { resource, context } = await session.target(request.getUrn());
      const { state, inputs, isOfDynamicHost } = sides(request);
      const { changed, replaces } = await diff(resource, request.getId(), state, inputs, context);
      const response = new rpc.DiffResponse().setDiffsList(changed).setReplacesList(replaces).setHasdetaileddiff(true);
      response.setDeletebeforereplace(resource.deletesBeforeReplace ?? false);
      // Most calls of a run find no change: reading a struct is the larger part of a call.
      const before = changed.length > 0 ? fromStruct(request.getOldInputs()) : {};
      for (const name of changed) {
        const values = { declared: inputs[name], before: before[name], actual: state[name] };
        for (const each of changedPaths(name, values)) {
          response.getDetaileddiffMap().set(each.path, propertyDiff(each, replaces.includes(name)));
        }
      }
      // An update renews a state of the dynamic host. It sends nothing where all values are equal.
      const isChanged = changed.length > 0 || isOfDynamicHost;
      const { DIFF_SOME, DIFF_NONE } = rpc.DiffResponse.DiffChanges;
      return response.setChanges(isChanged ? DIFF_SOME : DIFF_NONE);
    }),

    create: session.call(async (request: rpc.CreateRequest) => {
      const { resource, context, secrets } = await session.target(request.getUrn());
      const inputs = fromStruct(request.getProperties());
      if (request.getPreview()) {
        const outputs = await previewCreate(resource, inputs, context);
        return new rpc.CreateResponse().setProperties(toStruct(outputs, secrets));
      }
      const { id, state } = await create(resource, inputs, context);
      return new rpc.CreateResponse().setId(id).setProperties(toStruct(state, secrets));
    }),

    /** Without inputs and properties, an import or a `get`; else a refresh. An object that is gone has an empty response. */
    read: session.call(async (request: rpc.ReadRequest) => {
      const { resource, context, secrets } = await session.target(request.getUrn());
      const [known, declared] = [fromStruct(request.getProperties()), fromStruct(request.getInputs())];
      const isRefresh = Object.keys(known).length > 0;
      const before = isRefresh && request.hasInputs() ? await withManaged(resource, declared, known) : known;
      const state = await read(resource, request.getId(), before, context);
      if (!state) return new rpc.ReadResponse();
      const inputs = isRefresh
        ? await inputsOfRefresh(resource, declared, state)
        : await inputsOfImport(resource, state, context);
      return new rpc.ReadResponse()
        .setId(request.getId())
        .setProperties(toStruct(state, secrets))
        .setInputs(toStruct(inputs, secrets));
    }),

    update: session.call(async (request: rpc.UpdateRequest) => {
      const { resource, context, secrets } = await session.target(request.getUrn());
      const { state, inputs, isOfDynamicHost } = sides(request);
      const id = request.getId();
      let outputs: Properties;
      if (request.getPreview()) {
        const { changed } = await diff(resource, id, state, inputs, context);
        outputs = await previewUpdate(resource, state, inputs, changed, context);
      } else {
        outputs = await (isOfDynamicHost ? moveState : update)(resource, id, state, inputs, context);
      }
      return new rpc.UpdateResponse().setProperties(toStruct(outputs, secrets));
    }),

    delete: session.call(async (request: rpc.DeleteRequest) => {
      const { resource, context } = await session.target(request.getUrn());
      await remove(resource, request.getId(), fromStruct(request.getProperties()), context);
      return new Empty();
    }),

    /** A stream: an error must end it, else the CLI waits without end. */
    list: async (call: ServerWritableStream<rpc.ListRequest, rpc.ListResponse>): Promise<void> => {
      try {
        for (const { id, name } of await listed(session, call.request)) {
          const result = new rpc.ListResponse.Result().setId(id).setName(name);
          call.write(new rpc.ListResponse().setResult(result));
        }
        call.end();
      } catch (error) {
        // `destroy` would send no status.
        call.emit("error", toServiceError(error));
      }
    },
  };
}

/** State and arguments of a comparison, the paths of `ignoreChanges` as the state has them. */
function sides(request: rpc.DiffRequest | rpc.UpdateRequest) {
  const { state, isOfDynamicHost } = stateIn(request.getOlds());
  // The engine has applied every path to the arguments already: only the value of the remote is missing.
  const paths = request.getIgnorechangesList().filter((path) => optionFailures({ ignoreChanges: [path] }).length === 0);
  return { state, inputs: applyIgnoreChanges(fromStruct(request.getNews()), state, paths), isOfDynamicHost };
}

/** An imported object has no record of its declared arguments before its first update. */
async function withManaged(resource: ReturnType<typeof resourceOf>, declared: Properties, state: Properties) {
  return state.__declared === undefined ? withManagedFields(resource, declared, state) : state;
}

async function listed(session: PluginSession, request: rpc.ListRequest): Promise<{ id: string; name: string }[]> {
  const type = nameOf(request.getToken());
  const { list, schema } = resourceOf(type);
  if (!list) throw new ProviderError("refused", `The objects of the type ${type} cannot be listed.`);
  const query = fromStruct(request.getQuery());
  const all = await list(session.context("", () => {}));
  const filter = schema.listBy === undefined ? undefined : query[schema.listBy];
  const found = all.filter(({ name }) => filter === undefined || name === filter);
  return request.getLimit() > 0 ? found.slice(0, request.getLimit()) : found;
}

function failure(property: string, reason: string): rpc.CheckFailure {
  return new rpc.CheckFailure().setProperty(property).setReason(reason);
}

function propertyDiff({ kind, isInputChange }: ChangedPath, replaces: boolean): rpc.PropertyDiff {
  const { ADD, ADD_REPLACE, DELETE, DELETE_REPLACE, UPDATE, UPDATE_REPLACE } = rpc.PropertyDiff.Kind;
  const kinds = {
    add: [ADD, ADD_REPLACE],
    delete: [DELETE, DELETE_REPLACE],
    update: [UPDATE, UPDATE_REPLACE],
  } as const;
  return new rpc.PropertyDiff().setKind(kinds[kind][replaces ? 1 : 0]).setInputdiff(isInputChange);
}
