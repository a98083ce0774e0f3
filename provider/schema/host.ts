import type { z } from "zod";
import type { Hop } from "../ssh/connection/target";
import { DEFAULT_PORT } from "../ssh/defaults";
import type { Zod } from "./define";

/** Documentation of a host and its credentials, shared by `SshConnection`, `getStorage` and `testConnection`. */
export const hostFields = {
  host: { description: "Host name, IPv4 or IPv6 address." },
  port: { description: "Port of the SSH server." },
  username: { description: "Account to log in to." },
  hostKey: {
    description:
      "Host key that the server must present: a `SHA256:…` fingerprint, a `known_hosts` line, or a list of them during a roll-over.",
  },
  privateKey: { description: "Private key to log in with.", secret: true },
  passphrase: { description: "Passphrase of an encrypted `privateKey`.", secret: true },
  password: { description: "Password, also for keyboard-interactive login.", secret: true },
  agent: { description: "Whether the keys of the ssh-agent are tried." },
  proxyJump: {
    description: "Jump hosts on the way, one or a list of them. Each is verified as strictly as the host.",
    secret: true,
  },
  timeout: { description: "Limit of one whole operation.", unit: "seconds" },
} as const;

/**
 * The schema of one jump host or a list of them, from the first to the last.
 * A failure names its place in the program, and contains no value.
 */
export function jumpHosts(z: Zod): { schema: z.ZodType<Hop | Hop[]>; documentedAs: z.ZodType } {
  const text = z.string({ error: "must be a text" }).min(1, { error: "must not be empty" });
  const hop = z
    .strictObject(
      {
        host: text.describe(hostFields.host.description),
        port: z
          .int({ error: "must be a whole number" })
          .optional()
          .describe(`Port of the SSH server. Default: \`${DEFAULT_PORT}\`.`),
        username: z.string({ error: "must be a text" }).describe(hostFields.username.description),
        hostKey: z
          .union([text, z.array(text).min(1)], {
            error: "must be a SHA256:… fingerprint, a known_hosts line, or a list of them",
          })
          .optional()
          .describe(`${hostFields.hostKey.description} Unset: the error shows the host key that was seen.`),
        privateKey: text.optional().describe("Private key to log in with. Secret."),
        passphrase: text.optional().describe("Passphrase of an encrypted `privateKey`. Secret."),
        password: text.optional().describe("Password, also for keyboard-interactive login. Secret."),
        agent: z
          .boolean({ error: "must be true or false" })
          .optional()
          .describe("Whether the keys of the ssh-agent are tried. Default: `false`."),
      },
      {
        error: ({ code, keys }) =>
          code === "unrecognized_keys"
            ? `has no argument ${keys.join(", ")}`
            : "must be { host, port, username, hostKey, privateKey, passphrase, password, agent }",
      },
    )
    .meta({ id: "JumpHost", description: "A host on the way to another, verified as strictly as that one." });
  // A union would report only that neither form matches.
  const schema = z.unknown().transform((given, context) => {
    const isList = Array.isArray(given);
    const hops = (isList ? given : [given]).map((each, index) => {
      const { data, error } = hop.safeParse(each);
      for (const { path, message } of error?.issues ?? []) {
        const place = [isList ? `proxyJump[${index}]` : "proxyJump", ...path].join(".");
        context.addIssue({ code: "custom", message: `${place} ${message}` });
      }
      return data as Hop;
    });
    return isList ? hops : (hops[0] as Hop);
  });
  return { schema: schema as z.ZodType<Hop | Hop[]>, documentedAs: z.union([hop, z.array(hop)]) };
}

export function hostKeys(z: Zod): z.ZodType<string | string[]> {
  return z.union([z.string().min(1), z.array(z.string()).min(1)], {
    error: "hostKey is required: a SHA256:… fingerprint, a known_hosts line, or a list of them",
  });
}
