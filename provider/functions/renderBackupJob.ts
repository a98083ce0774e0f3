import { ProviderError } from "../errors";
import type { BackupJobInputs } from "../schema/backupJob";
import {
  RENDERED_BORGMATIC,
  type RenderBackupJobArgs,
  type RenderedBackupJob,
  renderBackupJobSchema,
} from "../schema/renderBackupJob";
import type { DataFunction } from "./dataFunction";

/** A backup job as files and a script. Contacts nobody. */
export const renderBackupJob: DataFunction<RenderBackupJobArgs, RenderedBackupJob> = {
  schema: renderBackupJobSchema,
  async run(args) {
    const [{ rules }, { renderJob }] = await Promise.all([
      import("../resources/backupJob/rules.js"),
      import("../machine/render/index.js"),
    ]);
    const { borgmaticVersion = RENDERED_BORGMATIC, borgPath, borgmaticPath, ...given } = args;
    const inputs = { ...(given as Omit<BackupJobInputs, "connection">), name: args.name, connection: "local" as const };
    const failures = await rules(inputs, new Set(), { name: args.name });
    if (failures.length > 0) {
      const reasons = failures.map(({ property, reason }) =>
        reason.includes(property) ? reason : `${property} ${reason}`,
      );
      throw new ProviderError("input", `renderBackupJob: ${reasons.join("; ")}`);
    }
    return renderJob(inputs, { borgmaticVersion, borgPath, borgmaticPath });
  },
};
