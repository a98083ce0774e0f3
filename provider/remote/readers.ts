import { z } from "zod";

/*
 * Readers of response fields. An unset field is "", null or absent, depending on the field and the age of the server.
 */

/** Optional text: undefined for "", null and an absent field. */
export const optionalText = z
  .string()
  .nullish()
  .transform((text) => text || undefined);

/** Optional number. @param unset its value for null and an absent field */
export const numberOr = (unset: number) =>
  z
    .number()
    .nullish()
    .transform((value) => value ?? unset);

export const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

/** Id as a string. Older servers write key ids as numbers (adhawkins/ansible-borgbase declares Int). */
export const id = z.union([z.string().min(1), z.number().int().transform(String)]);
