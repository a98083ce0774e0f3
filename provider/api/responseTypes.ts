import { z } from "zod";
import type { ApiType, Declarations, Field } from "../schema/define";

/*
 * What the API writes where nothing is set differs by field and age of the server: "", null or nothing at all.
 * One reading for all of them.
 */

/** A text that may be unset: undefined for "", null and nothing. */
export const optionalText = z
  .string()
  .nullish()
  .transform((text) => text || undefined);

/** A number that may be unset; `unset` says what that means. */
export const numberOr = (unset: number) =>
  z
    .number()
    .nullish()
    .transform((value) => value ?? unset);

export const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

/** An id: a string, though older servers write key ids as numbers (adhawkins/ansible-borgbase declares Int). */
export const id = z.union([z.string().min(1), z.number().int().transform(String)]);

/** Ids as a set: sorted and without repeats, as their order means nothing and differs from answer to answer. */
export const idSet = z
  .array(id)
  .nullish()
  .transform((ids) => [...new Set(ids ?? [])].sort());

/** The answer to a deletion. `ok: false` is a failure that came as a success (clevyr/borgbase-operator). */
export const deleted = z.object({ ok: z.literal(true, { error: "the server answered ok: false" }) });

/** Fields that a declaration maps one to one: how to read each null-safe, and the GraphQL type of its variable. */
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

/** The GraphQL selection that answers shapes of an object, nested objects included. */
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
