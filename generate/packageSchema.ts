import { SETTING_NAMES, SETTINGS, type SettingName } from "../provider/settings";
import { tokenOf } from "../provider/token";
import type { FunctionModel, Model, NamedType, Property, ResourceModel, Type } from "./model";
import { type Publication, publicationOf } from "./publication";

/** Facts about the package as a whole. */
export interface PackageFacts extends Publication {
  version: string;
  description: string;
  keywords: string[];
  license: string;
}

type Json = Record<string, unknown>;

/**
 * `schema.json`, from which Pulumi generates SDKs for other languages (pulumi/pulumi `pkg/codegen/schema/pulumi.json`).
 * It contains no `default`: an SDK would send it, and an unset argument would become managed.
 */
export function packageSchema(model: Model, facts: PackageFacts): Json {
  return {
    $schema: "https://raw.githubusercontent.com/pulumi/pulumi/master/pkg/codegen/schema/pulumi.json",
    name: "borgbase",
    displayName: "BorgBase",
    version: facts.version,
    description: facts.description,
    keywords: [...facts.keywords, "category/infrastructure", "kind/native"],
    license: facts.license,
    ...publicationOf(facts),
    // With it, a generated SDK for Go is a module with a go.mod.
    meta: { supportPack: true },
    language: {
      nodejs: { packageName: "pulumi-borgbase", respectSchemaVersion: true },
      python: { packageName: "pulumi_borgbase", respectSchemaVersion: true, pyproject: { enabled: true } },
      go: { importBasePath: "github.com/pulumi-borgbase/sdk/go/borgbase", respectSchemaVersion: true },
    },
    config: { variables: PROVIDER },
    provider: {
      description: "An account at BorgBase and a Borg UI server. Several accounts or servers are several providers.",
      inputProperties: PROVIDER,
      properties: PROVIDER,
    },
    types: Object.fromEntries([...model.types.values()].map((type) => [tokenOf(type.name), objectType(type)])),
    resources: Object.fromEntries(model.resources.map((each) => [tokenOf(each.schema.type), resource(each)])),
    functions: Object.fromEntries(model.functions.map((each) => [tokenOf(each.schema.name), dataFunction(each)])),
  };
}

const SETTING_DESCRIPTIONS: Record<SettingName, string> = {
  token:
    "API token. Default: the environment variable `BORGBASE_TOKEN`, then `BORGBASE_API_TOKEN`, read by the provider.",
  endpoint: "Address of the API. Default: `BORGBASE_ENDPOINT`, then `https://api.borgbase.com/graphql`.",
  borgUiUrl: "Address of a Borg UI server. Default: the environment variable `BORG_UI_URL`.",
  borgUiToken: "Access token of Borg UI. Default: the environment variable `BORG_UI_TOKEN`.",
  borgUiUsername: "User of Borg UI, instead of a token. Default: the environment variable `BORG_UI_USERNAME`.",
  borgUiPassword: "Password of that user. Default: the environment variable `BORG_UI_PASSWORD`.",
};

const PROVIDER: Json = Object.fromEntries(
  SETTING_NAMES.map((name) => [
    name,
    { type: "string", description: SETTING_DESCRIPTIONS[name], ...(SETTINGS[name].secret && { secret: true }) },
  ]),
);

function resource({ schema, inputs, outputs }: ResourceModel): Json {
  return {
    description: schema.description,
    ...members(outputs, "properties", "required"),
    ...members(inputs, "inputProperties", "requiredInputs"),
    ...(schema.listBy && {
      listInputs: { properties: { [schema.listBy]: { type: "string", description: "Exact name. Unset: all." } } },
    }),
  };
}

/** The result is always an object, as languages other than TypeScript require it. */
function dataFunction({ schema, args, result }: FunctionModel): Json {
  const outputs = schema.list
    ? {
        properties: {
          [schema.list]: {
            type: "array",
            items: objectReference(schema.result),
            description: schema.resultDescription,
          },
        },
        required: [schema.list],
      }
    : members(result, "properties", "required");
  return {
    description: schema.description,
    ...(args.length > 0 && { inputs: { type: "object", ...members(args, "properties", "required") } }),
    outputs: { type: "object", ...outputs },
  };
}

/** Element types of functions that return lists. */
export function listedTypes({ functions }: Model): NamedType[] {
  const listed = functions.filter(({ schema }) => schema.list);
  return listed.map(({ schema, result }) => ({
    name: schema.result,
    description: schema.resultDescription,
    properties: result,
  }));
}

function objectType({ description, properties }: NamedType): Json {
  return { type: "object", description, ...members(properties, "properties", "required") };
}

function members(properties: Property[], all: string, required: string): Json {
  const names = properties.filter((each) => each.required).map(({ name }) => name);
  return {
    [all]: Object.fromEntries(properties.map((each) => [each.name, member(each)])),
    ...(names.length > 0 && { [required]: names }),
  };
}

function member(property: Property): Json {
  const { type, secret, forceNew, plain } = property;
  return {
    ...typeSpec(type),
    description: describe(property),
    ...(secret && { secret: true }),
    ...(forceNew && { willReplaceOnChanges: true }),
    ...(plain && { plain: true }),
  };
}

/** A description, with the facts that have no field of their own in a package schema. */
function describe({ description, unit, default: text, type }: Property): string {
  return [
    description,
    ...(type.kind === "enum" ? [`One of ${type.values.map((value) => `\`${value}\``).join(", ")}.`] : []),
    ...(unit ? [`Unit: ${unit}.`] : []),
    ...(text ? [`Default: ${text}.`] : []),
  ].join(" ");
}

function typeSpec(type: Type): Json {
  switch (type.kind) {
    case "any":
      return { $ref: "pulumi.json#/Any" };
    case "enum":
      return { type: "string" };
    case "array":
      return { type: "array", items: typeSpec(type.of) };
    case "map":
      return { type: "object", additionalProperties: typeSpec(type.of) };
    case "named":
      return objectReference(type.name);
    case "union":
      return { oneOf: type.of.map(typeSpec) };
    default:
      return { type: type.kind };
  }
}

function objectReference(name: string): Json {
  return { $ref: `#/types/${tokenOf(name)}` };
}
