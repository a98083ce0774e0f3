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
import { whyTooCostly } from "./cost";
import type { RootField } from "./tokens";
import type { Variants } from "./variants";

/** Path of a file that lies beside this one after a build, and in the package when something else was built. */
export function asset(name: string): string {
  let root = __dirname;
  while (!existsSync(join(root, "package.json")) && root !== dirname(root)) root = dirname(root);
  const places = [__dirname, join(root, "emulator"), join(root, "dist", "emulator")];
  return places.map((folder) => join(folder, name)).find(existsSync) ?? join(__dirname, name);
}

/** A document that may be executed, or what is wrong with it. */
export type Checked = { document: DocumentNode; errors?: undefined } | { errors: readonly GraphQLError[] };

/** Reading takes time in proportion to the tokens; more than this is no honest document. */
const MOST_TOKENS = 50_000;

/** Characters of a document that is kept, and of all that are: each takes about a hundred bytes per character. */
const KEPT = { one: 20_000, all: 200_000 };

/** The schema under one choice of variants; keeps what it has checked, since clients send the same few documents. */
export class Schema {
  readonly schema: GraphQLSchema;
  private readonly checked = new Map<string, Checked>();
  private size = 0;

  constructor(private readonly variants: Pick<Variants, "sshDeleteId" | "nullableVariables">) {
    this.schema = buildSchema(readFileSync(asset("schema.graphql"), "utf8"));
    const id = this.schema.getMutationType()?.getFields().sshDelete?.args[0];
    if (id && variants.sshDeleteId === "int") id.type = new GraphQLNonNull(GraphQLInt);
  }

  /** Parses and validates. A GraphQL syntax error comes back like any other. */
  check(query: string): Checked {
    const known = this.checked.get(query);
    if (known) return known;
    const checked = this.checkAnew(query);
    if (query.length > KEPT.one) return checked;
    if (this.size + query.length > KEPT.all) {
      this.checked.clear();
      this.size = 0;
    }
    this.checked.set(query, checked);
    this.size += query.length;
    return checked;
  }

  private checkAnew(query: string): Checked {
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: MOST_TOKENS });
    } catch (error) {
      return { errors: [error instanceof GraphQLError ? error : new GraphQLError("The query is nested too deeply.")] };
    }
    const reason = whyTooCostly(document);
    if (reason !== undefined) return { errors: [new GraphQLError(reason)] };
    const ids = keyIdVariables(document);
    if (this.variants.sshDeleteId === "both") document = withKeyIdsAsText(document, ids);
    const errors = validate(this.schema, document).filter((error) => !this.tolerates(error, ids));
    return errors.length ? { errors } : { document };
  }

  /** Variables that clients of another generation declare, which no GraphQL type can say of itself. */
  private tolerates({ message }: GraphQLError, ids: ReadonlySet<string>): boolean {
    const [, name = "", declared, expected] =
      /^Variable "\$(\S+)" of type "(\S+)" used in position expecting type "(\S+)"/.exec(message) ?? [];
    const accepted = this.variants.nullableVariables === "accepted" && !ids.has(name);
    return accepted && expected === "String!" && declared === "String";
  }
}

/** The variables that are given to `sshDelete` as its id. */
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
 * The document with the id of `sshDelete` as a string, where a client of the years of `Int!` gives a number or declares one.
 * So the schema needs no type of its own, which generators of code would make a type of.
 */
function withKeyIdsAsText(document: DocumentNode, ids: ReadonlySet<string>): DocumentNode {
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

/** The root fields of the operation that a request runs, each fragment once, as it is executed; none when it cannot be told which one. */
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
 * Variables as the real API takes them: gjabell/terraform-provider-borgbase sends the whole object as a JSON text,
 * adhawkins/ansible-borgbase sends key ids as numbers where the schema has String, and the text "0" where it has Int.
 * graphene converts both. Only the top level and lists are touched: the schema has no input objects.
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
