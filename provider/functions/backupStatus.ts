import { ProviderError } from "../errors";
import { type BackupStatusArgs, type BackupStatusInfo, getBackupStatusSchema } from "../schema/backupStatus";
import { asProviderErrors } from "../ssh/toProviderError";
import type { DataFunction } from "./dataFunction";

/** Runs of a backup job, as its host knows them. */
export const getBackupStatus: DataFunction<BackupStatusArgs, BackupStatusInfo> = {
  schema: getBackupStatusSchema,
  async run({ name, connection, become, sudoPassword }) {
    const [{ backupStatus }, { JOB_NAME }, { observingMachine }] = await Promise.all([
      import("../machine/backupStatus.js"),
      import("../machine/plan/names.js"),
      import("../machine/access.js"),
    ]);
    if (!JOB_NAME.test(name)) throw new ProviderError("input", "name: no job has such a name");
    const access = { connection, ...(become && { become }), ...(sudoPassword && { sudoPassword }) };
    return asProviderErrors(() => observingMachine(access, undefined, (machine) => backupStatus(machine, name)));
  },
};
