import type { DataFunction } from "../function";

/** The account that the token belongs to. */
export interface AccountInfo {
  username: string;
  /** MB, of all repositories. */
  diskUsage: number;
  repoCount: number;
  sshKeyCount: number;
  /** Absent where the API names none. `includedGb` is the plan's space in GB. */
  plan?: { name?: string; includedGb: number };
}

export const getAccount: DataFunction<object, AccountInfo> = {
  async args() {
    return (await import("../zod.js")).z.strictObject({}, { error: "takes no arguments" });
  },
  async run(_, context) {
    const { activePlan, ...account } = await (await context.api()).account.me();
    return { ...account, ...(activePlan && { plan: JSON.parse(JSON.stringify(activePlan)) }) };
  },
};
