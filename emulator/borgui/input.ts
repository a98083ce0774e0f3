import { z } from "zod";
import { type BadInput, badInputs } from "./errors";
import type { Call } from "./router";

/** Types of a request's fields, with the conversions that pydantic makes. */
export const field = {
  text: () => z.string(),
  integer: () => z.preprocess((value) => (isIntegerText(value) ? Number(value) : value), z.number().int()),
  number: () => z.number(),
  boolean: () => z.preprocess(asBoolean, z.boolean()),
  texts: () => z.array(z.string()),
  object: () => z.record(z.string(), z.unknown()),
};

function isIntegerText(value: unknown): boolean {
  return typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value);
}

const TRUE = new Set<unknown>([1, "1", "true", "t", "yes", "y", "on"]);
const FALSE = new Set<unknown>([0, "0", "false", "f", "no", "n", "off"]);

function asBoolean(value: unknown): unknown {
  const plain = typeof value === "string" ? value.toLowerCase() : value;
  if (TRUE.has(plain)) return true;
  return FALSE.has(plain) ? false : value;
}

/** The JSON body. Unknown fields are dropped without a word. @throws 422 with every bad field. */
export async function readBody<T>(c: Call, schema: z.ZodType<T>): Promise<T> {
  const text = await c.req.text();
  if (text === "") throw badInputs([{ type: "missing", loc: ["body"], msg: "Field required", input: null }]);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw badInputs([{ type: "json_invalid", loc: ["body", 0], msg: "JSON decode error", input: {} }]);
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw badInputs(parsed.error.issues.map((issue) => badInput(issue, content)));
}

/** An id in the path. @throws 422 for a text. */
export function idParam(c: Call, name: string): number {
  const text = c.req.param(name) ?? "";
  if (isIntegerText(text)) return Number(text);
  const msg = `Input should be a valid integer, ${UNPARSED}`;
  throw badInputs([{ type: "int_parsing", loc: ["path", name], msg, input: text }]);
}

const UNPARSED = "unable to parse string as an integer";

const TYPES: Record<string, [type: string, words: string]> = {
  string: ["string_type", "string"],
  number: ["int_type", "integer"],
  int: ["int_type", "integer"],
  boolean: ["bool_type", "boolean"],
  array: ["list_type", "list"],
  object: ["model_attributes_type", "dictionary"],
  record: ["dict_type", "dictionary"],
};

function badInput(issue: z.core.$ZodIssue, content: unknown): BadInput {
  const loc = ["body", ...(issue.path as (string | number)[])];
  const parent = valueAt(content, issue.path.slice(0, -1));
  const name = issue.path.at(-1);
  if (issue.code === "invalid_type" && name !== undefined && !hasOwn(parent, name)) {
    return { type: "missing", loc, msg: "Field required", input: parent };
  }
  const input = valueAt(content, issue.path);
  if (issue.code === "invalid_type") {
    const [type, words] = TYPES[issue.expected] ?? ["type", issue.expected];
    if (type === "int_type" && typeof input === "string") {
      return { type: "int_parsing", loc, msg: `Input should be a valid integer, ${UNPARSED}`, input };
    }
    return { type, loc, msg: `Input should be a valid ${words}`, input };
  }
  if (issue.code === "too_small") {
    return { type: "greater_than_equal", loc, msg: `Input should be greater than or equal to ${issue.minimum}`, input };
  }
  if (issue.code === "too_big") {
    return { type: "less_than_equal", loc, msg: `Input should be less than or equal to ${issue.maximum}`, input };
  }
  return { type: "value_error", loc, msg: `Value error, ${issue.message}`, input };
}

function valueAt(content: unknown, path: PropertyKey[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<PropertyKey, unknown> | undefined)?.[name], content);
}

function hasOwn(value: unknown, name: PropertyKey): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name);
}
