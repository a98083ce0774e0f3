import { connectionSchema } from "./backupJobTypes";
import { type ArgsOf, defineFunction, input, output, type ResultOf } from "./define";

export const getBackupStatusSchema = defineFunction(
  {
    name: "getBackupStatus",
    description:
      "Reads the runs of a backup job from its host: the last one, its result and the next one. The repository is not contacted.",
    args: "BackupStatusArgs",
    argsDescription: "A job and the way to its host.",
    result: "BackupStatus",
    resultDescription: "Runs of a backup job.",
    errors: ["A host without such a job is an error, which names the missing folder."],
  },
  (z) => {
    const connection = connectionSchema(z);
    const text = z.string({ error: "must be a text" });
    return {
      args: {
        connection: input(connection.schema, {
          description: '`"local"`: this machine. Else an account on a host, as for the job.',
          documentedAs: connection.documentedAs,
          required: true,
          secret: true,
        }),
        name: input(text.min(1, { error: "must not be empty" }), { description: "Name of the job.", required: true }),
        become: input(z.enum(["sudo", "none"], { error: 'become must be "sudo" or "none"' }), {
          description: "How the account becomes root.",
          default: "none",
        }),
        sudoPassword: input(text, { description: "Password for sudo, where it asks.", secret: true }),
      },
      result: {
        lastRun: output(z.string().optional(), {
          description: "Start of the last run under systemd, its end under cron, ISO 8601. Unset: none is known.",
        }),
        lastResult: output(z.enum(["success", "failure"]).optional(), {
          description: "Result of the last run. Unset: the host knows of none that has ended.",
        }),
        nextRun: output(z.string().optional(), {
          description: "Next run of the timer, ISO 8601. Unset without a timer: cron names none.",
        }),
        running: output(z.boolean(), { description: "Whether a backup runs. Always `false` under cron." }),
        reason: output(z.string().optional(), { description: "Last words of a failed run." }),
      },
    };
  },
);

export type BackupStatusArgs = ArgsOf<typeof getBackupStatusSchema>;
export type BackupStatusInfo = ResultOf<typeof getBackupStatusSchema>;
