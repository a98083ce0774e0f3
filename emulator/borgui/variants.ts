import { z } from "zod";

/** Behaviours of a Borg UI server that differ between installations. */
const variantsSchema = z.strictObject({
  /** `newer` pins host keys, and takes a restricted shell for a good connection, as versions since September 2026 do. */
  version: z.enum(["2.3.0-alpha.1", "newer"]),
  /** The licence. It limits users, and repositories of a backup plan. */
  plan: z.enum(["community", "pro", "enterprise"]),
  /** `proxy` takes the user from a header and refuses tokens; `none` serves everybody as the administrator. */
  login: z.enum(["password", "proxy", "none"]),
  /** Lifetime of a session token in seconds. */
  sessionSeconds: z.coerce.number().int().positive(),
  /** Time in ms that the check of a password or personal token takes. Checks wait for each other. */
  checkMs: z.coerce.number().int().nonnegative(),
  /** Whether the fifth failed login within 15 minutes locks the logins of its address. */
  lockLogins: z.union([z.boolean(), z.stringbool()]),
});

export type BorgUiVariants = z.infer<typeof variantsSchema>;
export const variantsPatch = variantsSchema.partial();

export const DEFAULT_VARIANTS: BorgUiVariants = {
  version: "2.3.0-alpha.1",
  plan: "community",
  login: "password",
  sessionSeconds: 86_400,
  checkMs: 0,
  lockLogins: true,
};

/** Variants of a command line; an error of one line for a name or value that does not exist. */
export function readVariants(pairs: [string, string][]): Partial<BorgUiVariants> | string {
  const parsed = variantsPatch.safeParse(Object.fromEntries(pairs));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return [...(issue?.path ?? []), issue?.message].join(": ");
}
