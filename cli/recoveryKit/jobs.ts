import { jobNames } from "../../provider/machine/plan/names";
import type { MachineConnection } from "../../provider/schema/backupJobTypes";
import { DEFAULT_PORT } from "../../provider/ssh/defaults";
import type { Job } from "./kit";
import { code } from "./markdown";
import { word } from "./shell";
import type { KitResource } from "./state";

export function jobFiles({ values }: KitResource): Job["files"] {
  const names = jobNames(String(values.name), String(values.user));
  return { config: names.config, key: names.privateKey, passphrase: names.passphrase, wrapper: names.wrapper };
}

/** Begin of a command line that runs the rest as root on the machine of a job. */
export function loginTo({ values }: KitResource): string {
  const connection = values.connection as MachineConnection | undefined;
  if (typeof connection !== "object") return "sudo ";
  const { host, port = DEFAULT_PORT, username } = connection;
  const option = port === DEFAULT_PORT ? "" : `-p ${port} `;
  return `ssh ${option}${word(`${username}@${host}`)} ${username === "root" ? "" : "sudo "}`;
}

/** The machine of a job in words. */
export function onMachine({ values }: KitResource): string {
  const connection = values.connection as MachineConnection | undefined;
  if (typeof connection !== "object") return "the machine that runs Pulumi";
  const { host, port = DEFAULT_PORT, username } = connection;
  return code(`${username}@${host}${port === DEFAULT_PORT ? "" : `:${port}`}`);
}

export function toJob(job: KitResource): Job {
  const { name, values } = job;
  return {
    name: String(values.name),
    machine: onMachine(job),
    login: loginTo(job),
    hostKey: values.hostKeyFingerprint as string | undefined,
    user: String(values.user),
    repository: String(values.repository),
    unit: String(values.unit),
    files: jobFiles(job),
    resource: name,
  };
}
