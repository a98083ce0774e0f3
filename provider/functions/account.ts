import { type AccountInfo, getAccountSchema } from "../schema/functions";
import type { DataFunction } from "./dataFunction";

export const getAccount: DataFunction<object, AccountInfo> = {
  schema: getAccountSchema,
  async run(_, context) {
    const { activePlan, ...account } = await (await context.api()).account.me();
    return { ...account, ...(activePlan && { plan: JSON.parse(JSON.stringify(activePlan)) }) };
  },
};
