import { defineFunction, output, type ResultOf, type Zod } from "../define";
import { connectionSchema } from "./connection";
import { systemKeySchema } from "./systemKey";

const NO_ARGUMENTS = "takes no arguments";

export const getServerSchema = defineFunction(
  {
    name: "borgui.getServer",
    description: "Reads the versions and the licence of the Borg UI server.",
    argsError: NO_ARGUMENTS,
    result: "borgui.ServerInfo",
    resultDescription: "A Borg UI server.",
  },
  (z) => ({
    args: {},
    result: {
      version: output(z.string().optional(), { description: "Version of Borg UI." }),
      borgVersion: output(z.string().optional(), { description: "Version of borg at the server." }),
      plan: output(z.string().optional(), { description: 'Licence of the server, for example `"community"`.' }),
      features: output(z.array(z.string()), { description: "Features that the licence includes, sorted." }),
    },
  }),
);

export const getConnectionsSchema = defineFunction(
  {
    name: "borgui.getConnections",
    description:
      "Reads all connections of the Borg UI server, with the status of the last test and the free space of the last look. Contacts no host.",
    argsError: NO_ARGUMENTS,
    list: "connections",
    result: "borgui.ConnectionInfo",
    resultDescription: "A connection as Borg UI remembers it. Nothing of it is fresh: see `lastTest` and `lastCheck`.",
  },
  (z) => {
    const { host, port, username, keyId, defaultPath, sshPathPrefix, mountPoint, useSftpMode, useSudo } =
      connectionSchema.declarations(z);
    return {
      args: {},
      result: {
        id: output(z.string(), { description: "Id of the connection." }),
        host,
        port,
        username,
        keyId,
        keyName: output(z.string().optional(), { description: "Name of that key. Unset: the key was deleted." }),
        defaultPath,
        sshPathPrefix,
        mountPoint,
        useSftpMode,
        useSudo,
        status: output(z.enum(["connected", "failed", "testing", "unknown"]), {
          description: "Result of the last test. A host that runs no commands may fail tests, and work for borg.",
        }),
        lastTest: output(z.string().optional(), { description: "Time of the last test, ISO 8601. Unset: never." }),
        lastSuccess: output(z.string().optional(), { description: "Time of the last successful test, ISO 8601." }),
        errorMessage: output(z.string().optional(), { description: "Reason of the last failure, in Borg UI's words." }),
        storage: output(storage(z).optional(), { description: "Free space. Unset: Borg UI has never looked." }),
      },
    };
  },
);

export const getSystemKeySchema = defineFunction(
  {
    name: "borgui.getSystemKey",
    description: "Reads the system key of the Borg UI server, and how many connections use it.",
    argsError: NO_ARGUMENTS,
    result: "borgui.SystemKeyInfo",
    resultDescription: "The system key of a Borg UI server.",
    errors: ["A server without a system key is an error: declare a `borgui.SystemKey`."],
  },
  (z) => {
    const { name, description, publicKey, fingerprintSha256 } = systemKeySchema.declarations(z);
    return {
      args: {},
      result: {
        id: output(z.string(), { description: "Id of the key." }),
        name,
        description,
        keyType: output(z.string(), { description: "Type of the key: `ed25519`, `rsa` or `ecdsa`." }),
        publicKey,
        fingerprintSha256,
        connectionCount: output(z.number(), { description: "Number of connections that use it." }),
        activeConnections: output(z.number(), { description: "Number of those whose last test succeeded." }),
      },
    };
  },
);

export type UiServerInfo = ResultOf<typeof getServerSchema>;
export type UiConnectionInfo = ResultOf<typeof getConnectionsSchema>;
export type UiSystemKeyInfo = ResultOf<typeof getSystemKeySchema>;

function storage(z: Zod) {
  return z
    .object({
      total: z.number().describe("Size of the file system in bytes."),
      used: z.number().describe("Used space in bytes."),
      available: z.number().describe("Free space in bytes."),
      percentUsed: z.number().describe("Used part in percent."),
      totalFormatted: z.string().optional().describe('Size in words, for example `"251.97 GB"` (1024-based).'),
      usedFormatted: z.string().optional().describe("Used space in words."),
      availableFormatted: z.string().optional().describe("Free space in words."),
      lastCheck: z.string().optional().describe("Time of the look, ISO 8601. It never expires."),
    })
    .meta({ id: "borgui.ConnectionStorage", description: "Free space of a host when Borg UI last looked." });
}
