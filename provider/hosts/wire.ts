/* The engine's wire format: protobuf structs with marks for unknown and secret values, and errors. */
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { ErrorResourceInitFailed } from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { messageOf, PartialFailure, ProviderError } from "../errors";
import type { Properties } from "../lifecycle";
import { UNKNOWN } from "../lifecycle/resource";
import { fromEngine, toEngine } from "./values";

/** Mark of wrapped values, and its value for a secret (pulumi/pulumi, `sdk/go/common/resource/sig`). */
const MARK = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** Text of the dynamic host's provider, in a state that the dynamic host has written. */
const PROVIDER_TEXT = "__provider";

/** What only the dynamic host keeps in inputs and outputs. */
const DYNAMIC_ONLY = new Set([PROVIDER_TEXT, "__origin", "__parents", "__ignoreChanges", "__replaceOnChanges"]);

/** Properties in plain. A property that is null is not set. */
export function fromStruct(struct: Struct | undefined): Properties {
  return stateIn(struct).state;
}

/** A state in plain, and whether the dynamic host has written it. */
export function stateIn(struct: Struct | undefined): { state: Properties; isOfDynamicHost: boolean } {
  const all = struct?.toJavaScript() ?? {};
  const values = Object.entries(all)
    .filter(([name]) => !DYNAMIC_ONLY.has(name))
    .map(([name, value]) => [name, unwrapped(value)] as const)
    .filter(([, value]) => value !== null);
  return { state: fromEngine(Object.fromEntries(values)), isOfDynamicHost: PROVIDER_TEXT in all };
}

/** @param secrets names of the properties that the engine must encrypt */
export function toStruct(values: Properties, secrets: ReadonlySet<string> = new Set()): Struct {
  // Drops values that are not set, at any depth.
  const plain: Record<string, JavaScriptValue> = JSON.parse(JSON.stringify(toEngine(values)));
  for (const [name, value] of Object.entries(plain)) {
    // An unknown value is no secret yet.
    if (secrets.has(name) && values[name] !== UNKNOWN) plain[name] = { [MARK]: SECRET, value };
  }
  return Struct.fromJavaScript(plain);
}

function unwrapped(value: JavaScriptValue): JavaScriptValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(unwrapped);
  const values = value as Record<string, JavaScriptValue>;
  if (values[MARK] === SECRET) return unwrapped(values.value ?? null);
  return Object.fromEntries(Object.entries(values).map(([name, item]) => [name, unwrapped(item)]));
}

/**
 * An error as the engine shows it: its details are the whole message.
 * @param secrets names of the properties that the engine must encrypt
 */
export function toServiceError(error: unknown, secrets?: ReadonlySet<string>): Partial<StatusObject> {
  const code = status.UNKNOWN;
  if (error instanceof PartialFailure) {
    return { code, details: messageOf(error), metadata: partialFailure(error, secrets) };
  }
  if (error instanceof ProviderError) return { code, details: messageOf(error) };
  return { code, details: `pulumi-borgbase failed: ${error instanceof Error ? error.stack : String(error)}` };
}

/** The engine then saves the resource although the call failed (`google.rpc.Status` in a trailer). */
function partialFailure({ saved, message }: PartialFailure, secrets?: ReadonlySet<string>): Metadata {
  const failed = new ErrorResourceInitFailed()
    .setId(saved.id)
    .setProperties(toStruct(saved.state, secrets))
    .setInputs(toStruct(saved.inputs ?? {}, secrets))
    .setReasonsList([message]);
  const detail = new Any();
  detail.pack(failed.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const trailer = new Status().setCode(status.UNKNOWN).setMessage(message).setDetailsList([detail]);
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(trailer.serializeBinary()));
  return metadata;
}
