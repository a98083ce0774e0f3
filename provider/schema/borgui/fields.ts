import { canonicalZone } from "../../timeZone";
import type { Zod } from "../define";

/** An optional text: unset at the server where it is removed. */
export const cleared = {
  default: "",
  defaultDescription: "none",
  output: "whenSet",
  equals: (declared: string, actual: unknown) => declared === (actual ?? ""),
} as const;

/** Id of an object of a server, a number there. */
export function serverId(z: Zod, what: string) {
  const error = `must be the id of ${what} in Borg UI, a number`;
  return z.union(
    [z.string({ error }).regex(/^[1-9]\d*$/, { error }), z.int({ error }).min(1, { error }).transform(String)],
    {
      error,
    },
  );
}

/** A cron expression. The server checks the values. */
export function cron(z: Zod) {
  const error = 'must be a cron expression with five fields, for example "0 4 * * *"';
  return z
    .string({ error })
    .trim()
    .regex(/^\S+(\s+\S+){4}$/, { error });
}

export function zone(z: Zod) {
  const error = 'must be an IANA time zone, for example "Europe/Berlin"';
  return z.string({ error }).refine((name) => canonicalZone(name) !== undefined, { error });
}
