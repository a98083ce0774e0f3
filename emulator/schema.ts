import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  buildSchema,
  type DocumentNode,
  type GraphQLError,
  GraphQLInt,
  GraphQLNonNull,
  type GraphQLScalarType,
  type GraphQLSchema,
  GraphQLString,
  Kind,
  parse,
  type SelectionSetNode,
  validate,
} from "graphql";
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

/** The schema under one choice of variants; keeps what it has checked, since clients send the same few documents. */
export class Schema {
  readonly schema: GraphQLSchema;
  private readonly checked = new Map<string, Checked>();

  constructor(private readonly variants: Pick<Variants, "sshDeleteId" | "nullableVariables">) {
    const { sshDeleteId } = variants;
    this.schema = buildSchema(readFileSync(asset("schema.graphql"), "utf8"));
    // Scalars of graphql-js are shared by every schema of the process; a built schema has them by reference.
    const id = this.schema.getMutationType()?.getFields().sshDelete?.args[0];
    if (id && sshDeleteId !== "both") {
      id.type = new GraphQLNonNull(sshDeleteId === "int" ? GraphQLInt : GraphQLString);
    }
    const keyId = this.schema.getType("KeyId") as GraphQLScalarType;
    keyId.parseLiteral = (node) => (node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : undefined);
  }

  /** Parses and validates. A GraphQL syntax error comes back like any other. */
  check(query: string): Checked {
    const known = this.checked.get(query);
    if (known) return known;
    const checked = this.checkAnew(query);
    if (this.checked.size >= 1000) this.checked.clear();
    this.checked.set(query, checked);
    return checked;
  }

  private checkAnew(query: string): Checked {
    let document: DocumentNode;
    try {
      document = parse(query);
    } catch (error) {
      return { errors: [error as GraphQLError] };
    }
    const errors = validate(this.schema, document).filter((error) => !this.tolerates(error));
    return errors.length ? { errors } : { document };
  }

  /** Variables that clients of another generation declare, which no GraphQL type can say of itself. */
  private tolerates({ message }: GraphQLError): boolean {
    const [, declared, expected] = /of type "(\S+)" used in position expecting type "(\S+)"/.exec(message) ?? [];
    if (expected === "KeyId!") return declared === "Int!" || declared === "String!";
    return this.variants.nullableVariables === "accepted" && expected === "String!" && declared === "String";
  }
}

/** The root fields of the operation that a request runs; none when it cannot be told which one. */
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
  const collect = (set: SelectionSetNode) => {
    for (const node of set.selections) {
      if (node.kind === Kind.FIELD) fields.push({ name: node.name.value, kind });
      else if (node.kind === Kind.INLINE_FRAGMENT) collect(node.selectionSet);
      else {
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
      if (name in result) result[name] = convert(result[name], named.name.value);
    }
  }
  return result;
}

function convert(value: unknown, type: string): unknown {
  if (Array.isArray(value)) return value.map((item) => convert(item, type));
  if (type === "String" && (typeof value === "number" || typeof value === "boolean")) return String(value);
  if (type === "Int" && typeof value === "string" && /^-?\d+$/.test(value)) return Number(value);
  return value;
}
