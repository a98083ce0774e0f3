import type { z } from "zod";
import type { Zod } from "./define";

export const DEFAULT_PORT = 22;
export const DEFAULT_TIMEOUT = 30;

/** Documentation of what names a host and a way to log in: shared by `SshConnection`, `getStorage` and `testConnection`. */
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
    description:
      "Jump hosts on the way, one or a list of them. Each is verified as strictly as the host. A change redeploys nothing.",
    secret: true,
  },
  timeout: { description: "Limit of one whole operation.", unit: "seconds" },
} as const;

/** One jump host or a list of them, from the first to the last. */
export function jumpHosts(z: Zod) {
  const text = (name: string) => z.string({ error: `${name} must be a text` });
  const hop = z
    .strictObject({
      host: text("host").min(1, { error: "host must not be empty" }).describe(hostFields.host.description),
      port: z
        .int({ error: "port must be a whole number" })
        .optional()
        .describe("Port of the SSH server. Default: `22`."),
      username: text("username").describe(hostFields.username.description),
      hostKey: hostKeys(z).describe(hostFields.hostKey.description),
      privateKey: text("privateKey").optional().describe("Private key to log in with. Secret."),
      passphrase: text("passphrase").optional().describe("Passphrase of an encrypted `privateKey`. Secret."),
      password: text("password").optional().describe("Password, also for keyboard-interactive login. Secret."),
      agent: z.boolean().optional().describe("Whether the keys of the ssh-agent are tried. Default: `false`."),
    })
    .meta({ id: "JumpHost", description: "A host on the way to another, verified as strictly as that one." });
  return z.union([hop, z.array(hop).min(1)], { error: "must be a jump host or a list of them" });
}

export function hostKeys(z: Zod): z.ZodType<string | string[]> {
  return z.union([z.string().min(1), z.array(z.string()).min(1)], {
    error: "hostKey is required: a SHA256:… fingerprint, a known_hosts line, or a list of them",
  });
}
