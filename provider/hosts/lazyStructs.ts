/*
 * Structs of the engine's requests, read from their bytes on first use. Google's library creates several objects per value,
 * up to a fifth of a host's own time in a refresh, and reads all structs, though nobody uses half of them.
 */
import type { BinaryReader, Message } from "google-protobuf";
import type { JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";

type Values = Record<string, JavaScriptValue>;

/** Reads the fields of a message from its bytes (`deserializeBinaryFromReader` of a generated class). */
type ReadFields = Parameters<BinaryReader["readMessage"]>[1];

interface MessageClass {
  deserializeBinaryFromReader: ReadFields;
}

/**
 * Makes requests read their structs on first use. Values and methods stay the same; names arrive sorted.
 * @param protocol exports of a copy of `@pulumi/pulumi/proto/provider_pb`; classes of another kind are left as they are
 */
export function readStructsLazily(protocol: object): void {
  for (const [name, value] of Object.entries(protocol))
    if (name.endsWith("Request") && isMessageClass(value)) wrap(value);
}

function isMessageClass(value: unknown): value is MessageClass {
  return typeof (value as Partial<MessageClass>)?.deserializeBinaryFromReader === "function";
}

function wrap(Request: MessageClass): void {
  const readFields = Request.deserializeBinaryFromReader;
  Request.deserializeBinaryFromReader = (request: Message, reader) => {
    if (typeof reader.readMessage !== "function" || typeof reader.readBytes !== "function")
      return readFields(request, reader);
    const readMessage = reader.readMessage.bind(reader);
    reader.readMessage = (message: Message, readIt) =>
      isStruct(message) ? readLazily(message, reader, readIt) : readMessage(message, readIt);
    return readFields(request, reader);
  };
}

function isStruct(message: Message): message is Struct {
  const { toJavaScript, getFieldsMap } = message as Partial<Struct>;
  return typeof toJavaScript === "function" && typeof getFieldsMap === "function";
}

/** Every method of a struct but these two, which it then loses, begins with its map of fields. */
function readLazily(struct: Struct, reader: BinaryReader, readFields: ReadFields): void {
  const bytes = reader.readBytes();
  // The class of the library's copy that reads the request.
  const Reader = reader.constructor as new (bytes: Uint8Array) => BinaryReader;
  struct.toJavaScript = () => structIn(new Reader(bytes));
  struct.getFieldsMap = () => {
    Reflect.deleteProperty(struct, "toJavaScript");
    Reflect.deleteProperty(struct, "getFieldsMap");
    readFields(struct, new Reader(bytes));
    return struct.getFieldsMap();
  };
}

/**
 * `google.protobuf.Struct`: a map of names to values. The engine sends it in random order. Sorted, all objects of a type have
 * one layout in memory, which makes every later access faster.
 */
function structIn(reader: BinaryReader): Values {
  const entries = new Map<string, JavaScriptValue>();
  const readEntry = () => {
    let name = "";
    let value: JavaScriptValue = null;
    const readValue = () => {
      value = valueIn(reader);
    };
    while (reader.nextField()) {
      if (reader.getFieldNumber() === 1) name = reader.readString();
      else reader.readMessage(undefined, readValue);
    }
    entries.set(name, value);
  };
  while (reader.nextField()) reader.readMessage(undefined, readEntry);
  const values: Values = {};
  for (const name of [...entries.keys()].sort()) values[name] = entries.get(name) ?? null;
  return values;
}

/** `google.protobuf.Value`: one of null, number, text, Boolean, struct and list. */
function valueIn(reader: BinaryReader): JavaScriptValue {
  let value: JavaScriptValue = null;
  const readStruct = () => {
    value = structIn(reader);
  };
  const readList = () => {
    value = listIn(reader);
  };
  while (reader.nextField()) {
    const field = reader.getFieldNumber();
    if (field === 2) value = reader.readDouble();
    else if (field === 3) value = reader.readString();
    else if (field === 4) value = reader.readBool();
    else if (field === 5) reader.readMessage(undefined, readStruct);
    else if (field === 6) reader.readMessage(undefined, readList);
    else reader.skipField();
  }
  return value;
}

/** `google.protobuf.ListValue`. */
function listIn(reader: BinaryReader): JavaScriptValue[] {
  const values: JavaScriptValue[] = [];
  const readValue = () => {
    values.push(valueIn(reader));
  };
  while (reader.nextField()) reader.readMessage(undefined, readValue);
  return values;
}
