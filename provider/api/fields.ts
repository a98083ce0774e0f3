import { z } from "zod";

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
