import { z } from "zod";
import type { Field, FunctionSchema, ResourceSchema } from "../provider/schema";
import { partsOf } from "../provider/token";

/** A type that every generated file can express. `named` refers to {@link Model.types}. */
export type Type =
  | { kind: "string" | "number" | "integer" | "boolean" | "any" }
  | { kind: "enum"; values: string[] }
  | { kind: "array"; of: Type }
  | { kind: "map"; of: Type }
  | { kind: "named"; name: string }
  | { kind: "union"; of: Type[] };

/** One argument, output, or field of a nested type. */
export interface Property {
  name: string;
  description: string;
  type: Type;
  required: boolean;
  /** Text or code, for documentation only: the provider applies defaults, so that unset arguments stay unmanaged. */
  default?: string;
  unit?: string;
  secret?: boolean;
  forceNew?: boolean;
  plain?: boolean;
  /** An argument that names the object to adopt: a later change of it is refused. */
  adoptId?: boolean;
  /** An argument that is no output. */
  inputOnly?: boolean;
}

export interface NamedType {
  name: string;
  description: string;
  properties: Property[];
}

export interface ResourceModel {
  schema: ResourceSchema<Record<string, Field>>;
  inputs: Property[];
  outputs: Property[];
}

export interface FunctionModel {
  schema: FunctionSchema;
  args: Property[];
  /** Properties of one object, also for a function that returns a list. */
  result: Property[];
}

export interface Model {
  resources: ResourceModel[];
  functions: FunctionModel[];
  types: Map<string, NamedType>;
}

/** The part of JSON Schema that zod generates for declared fields. */
interface Json {
  type?: string;
  enum?: string[];
  items?: Json;
  properties?: Record<string, Json>;
  required?: string[];
  additionalProperties?: Json | false;
  anyOf?: Json[];
  $ref?: string;
  $defs?: Record<string, Json>;
  description?: string;
}

/** The part of a model that one module of the SDK holds; without a name, its root. */
export function ofModule(model: Model, module?: string): Model {
  const isIn = (name: string) => partsOf(name).module === module;
  return {
    resources: model.resources.filter(({ schema }) => isIn(schema.type)),
    functions: model.functions.filter(({ schema }) => isIn(schema.name)),
    types: new Map([...model.types].filter(([name]) => isIn(name))),
  };
}

/** Names of all modules below the root. */
export function modulesOf({ resources, functions }: Model): string[] {
  const names = [...resources.map(({ schema }) => schema.type), ...functions.map(({ schema }) => schema.name)];
  return [...new Set(names.flatMap((name) => partsOf(name).module ?? []))];
}

/** Reads every declaration once. All generated files derive from the result. */
export function buildModel(resources: ResourceSchema<Record<string, Field>>[], functions: FunctionSchema[]): Model {
  const types = new Map<string, NamedType>();
  const property = (name: string, field: Field, side: "input" | "output") => toProperty(name, field, side, types);
  return {
    types,
    resources: resources.map((schema) => {
      const fields = Object.entries(schema.declarations(z));
      return {
        schema,
        inputs: fields
          .filter(([, field]) => field.kind === "input")
          .map(([name, field]) => property(name, field, "input")),
        outputs: fields
          .filter(([, field]) => field.kind === "output" || field.output !== "never")
          .map(([name, field]) => property(name, field, "output")),
      };
    }),
    functions: functions.map((schema) => {
      const { args, result } = schema.declarations(z);
      return {
        schema,
        args: Object.entries(args).map(([name, field]) => property(name, field, "input")),
        result: Object.entries(result).map(([name, field]) => property(name, field, "output")),
      };
    }),
  };
}

function toProperty(name: string, field: Field, side: "input" | "output", types: Map<string, NamedType>): Property {
  const { type, optional } = typeOf(field, types);
  const shared = {
    name,
    description: field.description,
    type,
    ...(field.unit !== undefined && { unit: field.unit }),
    ...(field.secret && { secret: true }),
  };
  if (field.kind === "output") return { ...shared, required: !optional };
  if (side === "output") return { ...shared, required: field.output !== "whenSet" && !optional };
  const text = defaultOf(field);
  return {
    ...shared,
    required: field.required ?? false,
    ...(text !== undefined && { default: text }),
    ...(field.forceNew && { forceNew: true }),
    ...(field.plain && { plain: true }),
    ...(field.adoptId && { adoptId: true }),
    ...(field.output === "never" && { inputOnly: true }),
  };
}

function defaultOf(field: Field & { kind: "input" }): string | undefined {
  if (field.defaultDescription !== undefined) return field.defaultDescription;
  if (field.default === undefined || typeof field.default === "function") return undefined;
  return `\`${JSON.stringify(field.default)}\``;
}

function typeOf(field: Field, types: Map<string, NamedType>): { type: Type; optional: boolean } {
  const documented = field.kind === "input" ? (field.documentedAs ?? field.schema) : field.schema;
  const json = z.toJSONSchema(z.object({ field: documented }), { io: "input", unrepresentable: "any" }) as Json;
  for (const [name, definition] of Object.entries(json.$defs ?? {})) {
    if (!types.has(name)) types.set(name, toNamedType(name, definition, json.$defs ?? {}));
  }
  const optional = !json.required?.includes("field");
  return { type: toType(json.properties?.field ?? {}), optional };
}

/** A union of objects becomes one object whose fields are optional: some languages have no such unions. */
function toNamedType(name: string, json: Json, definitions: Record<string, Json>): NamedType {
  const variants = json.anyOf ?? [json];
  const properties = variants.flatMap((variant) =>
    Object.entries(variant.properties ?? {}).map(([field, value]) => ({
      name: field,
      description: value.description ?? definitions[value.$ref?.replace("#/$defs/", "") ?? ""]?.description ?? "",
      type: toType(value),
      required: variants.length === 1 && (variant.required?.includes(field) ?? false),
    })),
  );
  return { name, description: json.description ?? "", properties };
}

function toType(json: Json): Type {
  if (json.$ref) return { kind: "named", name: json.$ref.replace("#/$defs/", "") };
  if (json.anyOf) return { kind: "union", of: json.anyOf.map(toType) };
  if (json.enum) return { kind: "enum", values: json.enum };
  if (json.type === "array") return { kind: "array", of: toType(json.items ?? {}) };
  if (json.type === "object" && json.additionalProperties)
    return { kind: "map", of: toType(json.additionalProperties) };
  if (json.type === "string" || json.type === "number" || json.type === "integer" || json.type === "boolean") {
    return { kind: json.type };
  }
  if (Object.keys(json).length === 0) return { kind: "any" };
  throw new Error(`A declared field has a type that no generated file can express: ${JSON.stringify(json)}`);
}
