import { z } from "zod";

/**
 * Behaviours that the evidence leaves open. Each is a switch, so that a client can be tried under every one of them.
 */
const variantsSchema = z.strictObject({
  /** Dates and secrets that are not set. gjabell/terraform-provider-borgbase reads both alike. */
  unset: z.enum(["empty", "null"]),
  /** A quota and an alert that are off. */
  zero: z.enum(["zero", "null"]),
  /** Key lists that hold nothing. adhawkins/ansible-borgbase iterates them without a check. */
  emptyKeys: z.enum(["list", "null"]),
  /** What the argument `name` of the lists matches, without regard to case except for "exact". */
  nameMatch: z.enum(["contains", "prefix", "exact"]),
  /** Order of both lists. "shuffled" is another one at every call. */
  listOrder: z.enum(["asis", "reversed", "shuffled"]),
  /** Order in which a repository's key ids come back. */
  keyOrder: z.enum(["asis", "reversed", "shuffled"]),
  /**
   * HTTP status for a token that is unknown or expired. clevyr/borgbase-operator and an app expect 401 (or 403);
   * kiwix/borg-backup pull request 62 saw 200 with errors in 2020.
   */
  badToken: z.enum(["401", "403", "200"]),
  /** HTTP status for a token whose level is too low. */
  lowLevel: z.enum(["200", "403"]),
  /** HTTP status for a query the schema refuses: 400 in adhawkins/ansible-borgbase issues 22 and pull request 17. */
  refusedQuery: z.enum(["400", "200"]),
  /** Body of answers with a status of 401 or 403. */
  errorBody: z.enum(["errors", "detail", "html"]),
  /** Answer to an id that does not exist or belongs to another account. clevyr/borgbase-operator expects both. */
  missing: z.enum(["error", "null"]),
  /** Type of the argument `id` of sshDelete. "both" serves the clients of both kinds. */
  sshDeleteId: z.enum(["both", "string", "int"]),
  /**
   * Variables declared `String` where the schema has `String!`: borgbase/borgbase-api-client did so for repoAdd until the
   * real API refused it (adhawkins/ansible-borgbase pull requests 13 and 17). "accepted" serves its old copies too.
   */
  nullableVariables: z.enum(["accepted", "refused"]),
  /** Whether the repoPath of a restic repository holds its password. */
  resticPath: z.enum(["password", "plain"]),
  /**
   * Host of a repoPath: where the emulator listens, or BorgBase's own names, as `ssh://ID@ID.repo.borgbase.com/./repo`. Those
   * are reached with the ssh configuration that the emulator writes, and through its proxy.
   */
  addresses: z.enum(["local", "borgbase"]),
  /** True: a server of the future, with fields nobody asked for and values nobody knows. */
  newer: z.boolean(),
  /** Repositories an account may have; null for any number. */
  repoLimit: z.number().int().nonnegative().nullable(),
});

export type Variants = z.infer<typeof variantsSchema>;

/** Of the choices that nothing decides, the one that is hardest for a client. */
export const DEFAULT_VARIANTS: Variants = {
  unset: "empty",
  zero: "zero",
  emptyKeys: "list",
  nameMatch: "contains",
  listOrder: "asis",
  keyOrder: "asis",
  badToken: "401",
  lowLevel: "200",
  refusedQuery: "400",
  errorBody: "errors",
  missing: "error",
  sshDeleteId: "both",
  nullableVariables: "accepted",
  resticPath: "password",
  addresses: "local",
  newer: false,
  repoLimit: null,
};

/** Some of the switches. A key or value that does not exist is refused. */
export const variantsPatchSchema = variantsSchema.partial();

/** Variants from text, as a command line has it, or one line that says what is wrong. */
export function readVariants(assignments: [string, string][]): Partial<Variants> | string {
  const given = Object.fromEntries(
    assignments.map(([name, text]) => {
      const isText = Object.hasOwn(variantsSchema.shape, name) && !["newer", "repoLimit"].includes(name);
      return [name, isText ? text : jsonOr(text)];
    }),
  );
  const read = variantsPatchSchema.safeParse(given);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  return `${[...(issue?.path ?? []), issue?.message].join(": ")}`;
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
