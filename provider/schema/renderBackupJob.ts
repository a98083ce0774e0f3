import { backupJobSchema } from "./backupJob";
import { type ArgsOf, defineFunction, input, output, type ResultOf, type Zod } from "./define";

/** Version of Debian 13, whose form of configuration later versions read too. */
export const RENDERED_BORGMATIC = "1.9.14";

export const renderBackupJobSchema = defineFunction(
  {
    name: "renderBackupJob",
    description:
      "Renders a backup job as files and one shell script, for cloud-init, images and machines that Pulumi cannot reach. " +
      "It contacts nobody and watches nothing: a `BackupJob` shows drift, rendered files do not.",
    args: "RenderBackupJobArgs",
    argsDescription: "The arguments of a `BackupJob`, without those of its connection.",
    result: "RenderedBackupJob",
    resultDescription: "A job as files and a script.",
    errors: ["Arguments are refused as those of a `BackupJob` are."],
  },
  (z) => ({
    args: args(z),
    result: {
      script: output(z.string(), {
        description:
          "A POSIX shell script to be run as root, as it is or as cloud-init user data. It can be run again. It holds the private key and the passphrase.",
        secret: true,
      }),
      files: output(z.array(fileSchema(z)), {
        description:
          "The files that the script writes, for other tools. `known_hosts` is missing: the script asks the server and keeps keys that match.",
        secret: true,
      }),
      borgmaticConfig: output(z.string(), {
        description:
          "The configuration of borgmatic as YAML. It names the files of key and passphrase and holds neither.",
        secret: true,
      }),
    },
  }),
);

export type RenderBackupJobArgs = ArgsOf<typeof renderBackupJobSchema>;
export type RenderedBackupJob = ResultOf<typeof renderBackupJobSchema>;

function args(z: Zod) {
  const {
    name: _name,
    connection: _connection,
    become: _become,
    sudoPassword: _sudoPassword,
    minimum: _minimum,
    keepOnDelete: _keepOnDelete,
    onUnreachable: _onUnreachable,
    ...fields
  } = backupJobSchema.declarations(z);
  const inputs = Object.fromEntries(
    Object.entries(fields).filter(([, field]) => field.kind === "input"),
  ) as unknown as OnlyInputs<typeof fields>;
  const path = z
    .string({ error: "must be an absolute path" })
    .regex(/^\/[\w./-]*$/, { error: "must be an absolute path" });
  return {
    name: input(z.string({ error: "must be a text" }), {
      description:
        "Name of the job: its folder, units and archives. Lower-case letters, digits, `-` and `_`, at most 40.",
      required: true,
    }),
    ...inputs,
    borgmaticVersion: input(
      z
        .string({ error: "must be a version such as 1.7.7" })
        .regex(/^\d+\.\d+(\.\d+)?/, { error: "must be a version such as 1.7.7" }),
      {
        description:
          "Version of borgmatic that the machine will have. Debian 12 has 1.7.7. The script stops where it reads no such configuration.",
        default: RENDERED_BORGMATIC,
      },
    ),
    borgPath: input(path, { description: "Path of borg on the machine.", default: "/usr/bin/borg" }),
    borgmaticPath: input(path, { description: "Path of borgmatic on the machine.", default: "/usr/bin/borgmatic" }),
  };
}

type OnlyInputs<D> = { [K in keyof D as D[K] extends { kind: "input" } ? K : never]: D[K] };

function fileSchema(z: Zod) {
  return z
    .object({
      path: z.string().describe("Absolute path."),
      content: z.string().describe("Whole content."),
      mode: z.string().describe("Octal mode, for example `0600`."),
      owner: z.string().describe("Name of the owner."),
      group: z.string().describe("Name of the group."),
      secret: z.boolean().describe("Whether the content is secret."),
    })
    .meta({ id: "RenderedFile", description: "A file of a backup job." });
}
