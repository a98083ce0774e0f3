import { z } from "zod";

/**
 * Behaviours of the real API that are not known for certain. Each is a switch: a client can be tested under every
 * alternative.
 */
const variantsSchema = z.strictObject({
  /** Value of unset dates and secrets. gjabell/terraform-provider-borgbase reads both alike. */
  unset: z.enum(["empty", "null"]),
  /** Value of a quota and an alert that are off. */
  zero: z.enum(["zero", "null"]),
  /** Value of empty key lists. adhawkins/ansible-borgbase iterates them without a check. */
  emptyKeys: z.enum(["list", "null"]),
  /** How the argument `name` of the lists matches; only "exact" is case-sensitive. */
  nameMatch: z.enum(["contains", "prefix", "exact"]),
  /** Order of both lists. "shuffled" differs at every call. */
  listOrder: z.enum(["asis", "reversed", "shuffled"]),
  /** Order of a repository's key ids. */
  keyOrder: z.enum(["asis", "reversed", "shuffled"]),
  /**
   * HTTP status for a token that is unknown or expired. clevyr/borgbase-operator and an app expect 401 (or 403);
   * kiwix/borg-backup pull request 62 saw 200 with errors in 2020.
   */
  badToken: z.enum(["401", "403", "200"]),
  /** HTTP status for a token whose level is too low. */
  lowLevel: z.enum(["200", "403"]),
  /** HTTP status for a query that the schema rejects: 400 in adhawkins/ansible-borgbase issues 22 and pull request 17. */
  refusedQuery: z.enum(["400", "200"]),
  /** Body of answers with a status of 401 or 403. */
  errorBody: z.enum(["errors", "detail", "html"]),
  /** Answer to an id that does not exist or belongs to another account. clevyr/borgbase-operator expects both. */
  missing: z.enum(["error", "null"]),
  /** Type of the argument `id` of sshDelete. "both" serves the clients of both kinds. */
  sshDeleteId: z.enum(["both", "string", "int"]),
  /**
   * Variables declared `String` where the schema has `String!`. Old copies of borgbase/borgbase-api-client declare them so.
   * The real API refuses them since adhawkins/ansible-borgbase pull requests 13 and 17.
   */
  nullableVariables: z.enum(["accepted", "refused"]),
  /** Whether the repoPath of a restic repository holds its password. */
  resticPath: z.enum(["password", "plain"]),
  /**
   * Host of a repoPath: the emulator's address, or BorgBase's own names, as `ssh://ID@ID.repo.borgbase.com/./repo`. Clients
   * reach these names with the ssh configuration that the emulator writes, and through its proxy.
   */
  addresses: z.enum(["local", "borgbase"]),
  /** True: a future server, with fields that no client requested and values that no client knows. */
  newer: z.boolean(),
  /** Repositories an account may have; null for any number. */
  repoLimit: z.number().int().nonnegative().nullable(),
});

export type Variants = z.infer<typeof variantsSchema>;

/** The evidenced behaviour; without evidence, the hardest alternative for a client. */
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

/** The value of an unset date or secret. */
export function unsetValue({ unset }: Variants): "" | null {
  return unset === "null" ? null : "";
}

/** Some of the switches. An unknown key or value is rejected. */
export const variantsPatchSchema = variantsSchema.partial();

/** Variants from the NAME=VALUE pairs of a command line, or an error message of one line. */
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
