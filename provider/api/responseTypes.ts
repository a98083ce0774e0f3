import { z } from "zod";
import { flag, id, numberOr, optionalText } from "../remote/readers";
import type { ApiType, Declarations, Field } from "../schema/define";

/** Set of ids, sorted and unique: the order of the answer is arbitrary. */
export const idSet = z
  .array(id)
  .nullish()
  .transform((ids) => [...new Set(ids ?? [])].sort());

/** Answer to a deletion. `ok: false` is a failure, although no error accompanies it (clevyr/borgbase-operator). */
export const deleted = z.object({ ok: z.literal(true, { error: "the server answered ok: false" }) });

/** Null-safe readers and GraphQL variable types of all fields that a declaration maps one to one. */
export function oneToOne<D extends Declarations>(declarations: D) {
  const types: Record<string, ApiType> = {};
  const shape: Record<string, z.ZodType> = {};
  for (const [name, field] of Object.entries(declarations as unknown as Record<string, Field>)) {
    if (field.api === undefined) continue;
    const isOptional = field.kind === "input" ? field.output === "whenSet" : field.schema.safeParse(undefined).success;
    types[name] = field.api;
    shape[name] = readerOf(field.api, isOptional);
  }
  return { types, shape };
}

function readerOf(type: ApiType, isOptional: boolean): z.ZodType {
  if (type === "Int") return numberOr(0);
  if (type === "Boolean") return flag;
  if (type === "[String]") return idSet;
  return isOptional ? optionalText : z.string();
}

/** GraphQL selection for the shapes of an object, nested objects included. */
export function selectionOf(...shapes: Record<string, unknown>[]): string {
  const fields = shapes.flatMap((shape) =>
    Object.entries(shape).map(([name, reader]) => {
      const nested = objectIn(reader as z.ZodType);
      return nested ? `${name} { ${selectionOf(nested.shape)} }` : name;
    }),
  );
  return fields.join(" ");
}

function objectIn(reader: z.ZodType): z.ZodObject | undefined {
  if (reader instanceof z.ZodObject) return reader;
  if (reader instanceof z.ZodPipe) return objectIn(reader.in as z.ZodType);
  if (reader instanceof z.ZodOptional || reader instanceof z.ZodNullable) return objectIn(reader.unwrap() as z.ZodType);
  return undefined;
}
