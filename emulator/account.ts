import type { Context } from "./context";
import type { Account, Repo } from "./store";

/** A free plan without limits but `repoLimit`: no other behaviour of the emulator depends on it. */
function plan(context: Context) {
  return {
    id: "1",
    name: "Emulator",
    maxRepos: context.variants.repoLimit,
    maxSizeGb: null,
    includedGb: 1000,
    includedSize: 1000,
    billingPeriodUsd: 0,
    billingExtraGb: 0,
  };
}

/** `diskUsage` is in MB: an operations script of 2026 divides it by 1024 to print GB. */
export function me(context: Context, account: Account) {
  const owned = (item: { account: string }) => item.account === account.email;
  const repos = [...context.store.repos.values()].filter(owned);
  return {
    id: account.id,
    username: account.email,
    diskUsage: () => diskUsage(context, repos),
    repoCount: repos.length,
    sshKeyCount: [...context.store.keys.values()].filter(owned).length,
    activePlan: plan(context),
  };
}

/** Usage against the plan: one entry, for today. */
export function overageList(context: Context, account: Account) {
  const repos = [...context.store.repos.values()].filter((repo) => repo.account === account.email);
  return [
    {
      usedGb: async () => (await diskUsage(context, repos)) / 1000,
      date: context.clock.now().toISOString().slice(0, 10),
      plan: plan(context),
    },
  ];
}

async function diskUsage(context: Context, repos: Repo[]): Promise<number> {
  const usages = await Promise.all(repos.map((repo) => repo.pretended ?? context.storage.usage(repo)));
  return usages.reduce((sum, usage) => sum + usage.currentUsage, 0);
}
