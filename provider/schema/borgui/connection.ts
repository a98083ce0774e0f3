import { isDeepStrictEqual } from "node:util";
import { DEFAULT_PORT } from "../../ssh/defaults";
import { defineResource, type InputsOf, input, type StateOf } from "../define";
import { hostKeys } from "../host";
import { cleared, serverId } from "./fields";

export const connectionSchema = defineResource(
  {
    type: "borgui.Connection",
    description:
      "A host that a Borg UI server logs in to with one of its keys. The key has to be on the host: `SshKey` and `SshConnection` deploy it " +
      "without a password that the server would see. Borg UI is not believed: a login proves each connection at its creation. " +
      "Status, last test, storage and error message change by themselves: see `borgui.getConnections`.",
    errors: [
      "A host that does not let the server in fails the creation, and no row stays behind. See `onFailed`.",
      "A server that has a connection of that host, account and key already is refused, with the id of that connection.",
      "A connection that a backup plan or a repository needs is not deleted. The error names them.",
      "A server that cannot pin host keys is refused, unless `trustAnyHostKey` is true.",
    ],
    import:
      "`existingId` adopts a connection. The preview prints a line for each property that would change. The plugin imports it by its id.",
    get: "Reads a connection by Borg UI's id. It is never changed or deleted.",
    listBy: "name",
  },
  (z) => {
    const text = z.string({ error: "must be a text" });
    const flag = z.boolean({ error: "must be true or false" });
    return {
      host: input(text.trim(), { description: "Host name, IPv4 or IPv6 address.", required: true, forceNew: true }),
      port: input(z.int({ error: "must be a whole number" }), {
        description: "Port of the SSH server.",
        default: DEFAULT_PORT,
        forceNew: true,
      }),
      username: input(text, { description: "Account to log in to.", required: true, forceNew: true }),
      keyId: input(serverId(z, "a key"), {
        documentedAs: z.string(),
        description: "Id of the server's key to log in with: of a `borgui.SystemKey` or a `borgui.Key`.",
        defaultDescription: "the system key at creation",
        forceNew: true,
        output: "whenSet",
      }),
      defaultPath: input(text, {
        description: "Folder that browsing starts from, and whose free space is shown.",
        ...cleared,
      }),
      sshPathPrefix: input(text, {
        description: "Prefix of paths used over a shell, never over SFTP, for example `/volume1` on Synology.",
        ...cleared,
      }),
      mountPoint: input(text, { description: "Name under which Borg UI shows the host's files.", ...cleared }),
      useSftpMode: input(flag, {
        description: "Whether the server deploys a key over SFTP, else over a shell. A change alone contacts nobody.",
        default: true,
      }),
      useSudo: input(flag, { description: "Whether borg runs under sudo at the host.", default: false }),
      password: input(text.min(1, { error: "must not be empty" }), {
        description:
          "Password with which the server deploys its key at creation. Unset: the key is on the host already. A change does nothing.",
        secret: true,
        connectionOnly: true,
        output: "never",
      }),
      hostKey: input(hostKeys(z), {
        description:
          "Host key that the server must pin: a `SHA256:…` fingerprint, a `known_hosts` line, or a list of them. Needs a server that pins host keys.",
        output: "whenSet",
        equals: (declared, actual) => actual === undefined || isDeepStrictEqual(declared, actual),
      }),
      trustAnyHostKey: input(flag, {
        description:
          "Whether the server may send its login to any host key, where it cannot pin one. Required at servers that cannot.",
        default: false,
        output: "whenSet",
        equals: (declared, actual) => declared === (actual ?? false),
      }),
      onFailed: input(z.enum(["fail", "keep"], { error: 'must be "fail" or "keep"' }), {
        description:
          "What a creation does with a host that does not let the server in: `fail`, or `keep` the connection.",
        default: "fail",
        output: "whenSet",
        equals: (declared, actual) => declared === (actual ?? "fail"),
      }),
      existingId: input(serverId(z, "a connection"), {
        documentedAs: z.string(),
        description: "Id of a connection to adopt instead of making one. Read at creation only.",
        adoptId: true,
        plain: true,
        output: "never",
      }),
    };
  },
);

export type ConnectionInputs = InputsOf<typeof connectionSchema>;
export type ConnectionState = StateOf<typeof connectionSchema> & { __server?: string };
