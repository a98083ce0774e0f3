import { z } from "zod";

/**
 * Behaviours that the evidence leaves open. Each is a switch, so that a client can be tried under every one of them.
 * The first value is the default: the best supported, or where nothing is, the hardest for a client.
 */
export const variantsSchema = z.strictObject({
  /** Dates and secrets that are not set. gjabell/terraform-provider-borgbase reads both alike. */
  unset: z.enum(["empty", "null"]).default("empty"),
  /** A quota and an alert that are off. */
  zero: z.enum(["zero", "null"]).default("zero"),
  /** Key lists that hold nothing. adhawkins/ansible-borgbase iterates them without a check. */
  emptyKeys: z.enum(["list", "null"]).default("list"),
  /** What the argument `name` of the lists matches, without regard to case except for "exact". */
  nameMatch: z.enum(["contains", "prefix", "exact"]).default("contains"),
  /** Order of both lists. "shuffled" is another one at every call. */
  listOrder: z.enum(["asis", "reversed", "shuffled"]).default("asis"),
  /** Order in which a repository's key ids come back. */
  keyOrder: z.enum(["asis", "reversed", "shuffled"]).default("asis"),
  /**
   * HTTP status for a token that is unknown or expired. clevyr/borgbase-operator and an app expect 401 (or 403);
   * kiwix/borg-backup pull request 62 saw 200 with errors in 2020.
   */
  badToken: z.enum(["401", "403", "200"]).default("401"),
  /** HTTP status for a token whose level is too low. */
  lowLevel: z.enum(["200", "403"]).default("200"),
  /** HTTP status for a query the schema refuses: 400 in adhawkins/ansible-borgbase issues 22 and pull request 17. */
  refusedQuery: z.enum(["400", "200"]).default("400"),
  /** Body of answers with a status of 401 or 403. */
  errorBody: z.enum(["errors", "detail", "html"]).default("errors"),
  /** Answer to an id that does not exist or belongs to another account. clevyr/borgbase-operator expects both. */
  missing: z.enum(["error", "null"]).default("error"),
  /** Type of the argument `id` of sshDelete. "both" serves the clients of both kinds. */
  sshDeleteId: z.enum(["both", "string", "int"]).default("both"),
  /** Whether the repoPath of a restic repository holds its password. */
  resticPath: z.enum(["password", "plain"]).default("password"),
  /** True: a server of the future, with fields nobody asked for and values nobody knows. */
  newer: z.boolean().default(false),
  /** Repositories an account may have; null for any number. */
  repoLimit: z.number().int().nonnegative().nullable().default(null),
});

export type Variants = z.infer<typeof variantsSchema>;

/** Some switches, the others left as they are. A key or value that does not exist is refused. */
export const variantsPatchSchema = z.strictObject(
  Object.fromEntries(
    Object.entries(variantsSchema.shape).map(([name, field]) => [name, field.removeDefault().optional()]),
  ) as { [K in keyof Variants]: z.ZodType<Variants[K] | undefined> },
);
