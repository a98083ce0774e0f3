import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  buildSchema,
  type DocumentNode,
  GraphQLError,
  GraphQLInt,
  GraphQLNonNull,
  type GraphQLSchema,
  Kind,
  parse,
  parseType,
  print,
  type SelectionSetNode,
  validate,
  visit,
} from "graphql";
import { complexityError } from "./queryCost";
import type { Variants } from "./serverVariants";
import type { RootField } from "./tokens";

/** Path of an asset: beside this module after a build, otherwise in the package's `emulator` or `dist/emulator`. */
export function asset(name: string): string {
  let root = __dirname;
  while (!existsSync(join(root, "package.json")) && root !== dirname(root)) root = dirname(root);
  const places = [__dirname, join(root, "emulator"), join(root, "dist", "emulator")];
  return places.map((folder) => join(folder, name)).find(existsSync) ?? join(__dirname, name);
}

/** An executable document, or its errors. */
export type Checked = { document: DocumentNode; errors?: undefined } | { errors: readonly GraphQLError[] };

/** Limit of tokens, to which parsing time is proportional; known clients stay far below. */
const MAX_TOKENS = 50_000;

/** Limits of the document cache in characters; each character takes about a hundred bytes. */
const CACHE_LIMITS = { document: 20_000, all: 200_000 };

/** The schema for one choice of variants. Caches checked documents, as clients repeat the same few. */
export class Schema {
  readonly schema: GraphQLSchema;
  private readonly checked = new Map<string, Checked>();
  private size = 0;

  constructor(private readonly variants: Pick<Variants, "sshDeleteId" | "nullableVariables">) {
    this.schema = buildSchema(readFileSync(asset("schema.graphql"), "utf8"));
    const id = this.schema.getMutationType()?.getFields().sshDelete?.args[0];
    if (id && variants.sshDeleteId === "int") id.type = new GraphQLNonNull(GraphQLInt);
  }

  /** Parses and validates. A syntax error is returned like any other error. */
  check(query: string): Checked {
    const known = this.checked.get(query);
    if (known) return known;
    const checked = this.parseAndValidate(query);
    if (query.length > CACHE_LIMITS.document) return checked;
    if (this.size + query.length > CACHE_LIMITS.all) {
      this.checked.clear();
      this.size = 0;
    }
    this.checked.set(query, checked);
    this.size += query.length;
    return checked;
  }

  private parseAndValidate(query: string): Checked {
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: MAX_TOKENS });
    } catch (error) {
      return { errors: [error instanceof GraphQLError ? error : new GraphQLError("The query is nested too deeply.")] };
    }
    const reason = complexityError(document);
    if (reason !== undefined) return { errors: [new GraphQLError(reason)] };
    const ids = keyIdVariables(document);
    if (this.variants.sshDeleteId === "both") document = withKeyIdsAsStrings(document, ids);
    const errors = validate(this.schema, document).filter((error) => !this.isTolerated(error, ids));
    return errors.length ? { errors } : { document };
  }

  /** Allows `String` variables for `String!`, as older clients declare them. No GraphQL type allows both. */
  private isTolerated({ message }: GraphQLError, ids: ReadonlySet<string>): boolean {
    const [, name = "", declared, expected] =
      /^Variable "\$(\S+)" of type "(\S+)" used in position expecting type "(\S+)"/.exec(message) ?? [];
    const accepted = this.variants.nullableVariables === "accepted" && !ids.has(name);
    return accepted && expected === "String!" && declared === "String";
  }
}

/** Names of the variables that `sshDelete` receives as its id. */
function keyIdVariables(document: DocumentNode): Set<string> {
  const variables = new Set<string>();
  visit(document, {
    Field({ name, arguments: args }) {
      if (name.value !== "sshDelete") return;
      for (const { name: argument, value } of args ?? []) {
        if (argument.value === "id" && value.kind === Kind.VARIABLE) variables.add(value.name.value);
      }
    },
  });
  return variables;
}

/**
 * The document with the id of `sshDelete` as a string, where a client of the `Int!` years passes or declares a number.
 * A custom scalar would accept both too, but would appear in generated client code.
 */
function withKeyIdsAsStrings(document: DocumentNode, ids: ReadonlySet<string>): DocumentNode {
  return visit(document, {
    Field(field) {
      if (field.name.value !== "sshDelete") return undefined;
      const args = field.arguments?.map((argument) => {
        const { name, value } = argument;
        if (name.value !== "id" || value.kind !== Kind.INT) return argument;
        return { ...argument, value: { kind: Kind.STRING, value: value.value } as const };
      });
      return { ...field, arguments: args };
    },
    VariableDefinition(definition) {
      if (!ids.has(definition.variable.name.value) || print(definition.type) !== "Int!") return undefined;
      return { ...definition, type: parseType("String!") };
    },
  });
}

/** The root fields of the executed operation, each fragment once; none when the operation is ambiguous. */
export function rootFields(document: DocumentNode, operationName: string | null | undefined): RootField[] {
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const operation = operationName
    ? operations.find((node) => node.name?.value === operationName)
    : operations.length === 1
      ? operations[0]
      : undefined;
  if (!operation) return [];
  const kind = operation.operation === "mutation" ? "mutation" : "query";
  const fields: RootField[] = [];
  const spread = new Set<string>();
  const collect = (set: SelectionSetNode) => {
    for (const node of set.selections) {
      if (node.kind === Kind.FIELD) fields.push({ name: node.name.value, kind });
      else if (node.kind === Kind.INLINE_FRAGMENT) collect(node.selectionSet);
      else if (!spread.has(node.name.value)) {
        spread.add(node.name.value);
        const fragment = document.definitions.find(
          (other) => other.kind === Kind.FRAGMENT_DEFINITION && other.name.value === node.name.value,
        );
        if (fragment?.kind === Kind.FRAGMENT_DEFINITION) collect(fragment.selectionSet);
      }
    }
  };
  collect(operation.selectionSet);
  return fields;
}

/**
 * Coerces variables like graphene in the real API. gjabell/terraform-provider-borgbase sends the whole object as a JSON
 * text. adhawkins/ansible-borgbase sends numbers for key ids of type String, and the text "0" for an Int. Only the top level and lists are converted: the schema has no input objects.
 */
export function lenientVariables(document: DocumentNode, variables: Record<string, unknown>): Record<string, unknown> {
  const result = { ...variables };
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const { variable, type } of definition.variableDefinitions ?? []) {
      let named = type;
      while (named.kind !== Kind.NAMED_TYPE) named = named.type;
      const name = variable.name.value;
      const value = result[name];
      if (!(name in result)) continue;
      result[name] = Array.isArray(value)
        ? value.map((item) => convert(item, named.name.value))
        : convert(value, named.name.value);
    }
  }
  return result;
}

function convert(value: unknown, type: string): unknown {
  if (type === "String" && (typeof value === "number" || typeof value === "boolean")) return String(value);
  if (type === "Int" && typeof value === "string" && /^-?\d+$/.test(value)) return Number(value);
  return value;
}
