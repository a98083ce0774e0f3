import type { Account, Repo } from "./store";
import type { World } from "./world";

/** Free of charge and without an end: nothing here depends on a plan. */
function plan(world: World) {
  return {
    id: "1",
    name: "Emulator",
    maxRepos: world.variants.repoLimit,
    maxSizeGb: null,
    includedGb: 1000,
    includedSize: 1000,
    billingPeriodUsd: 0,
    billingExtraGb: 0,
  };
}

/** `diskUsage` is in MB: an operations script of 2026 divides it by 1024 to print GB. */
export function me(world: World, account: Account) {
  const owned = (item: { account: string }) => item.account === account.email;
  const repos = [...world.store.repos.values()].filter(owned);
  return {
    id: account.id,
    username: account.email,
    diskUsage: () => diskUsage(world, repos),
    repoCount: repos.length,
    sshKeyCount: [...world.store.keys.values()].filter(owned).length,
    activePlan: plan(world),
  };
}

/** One entry for today. */
export function overageList(world: World, account: Account) {
  const repos = [...world.store.repos.values()].filter((repo) => repo.account === account.email);
  return [
    {
      usedGb: async () => (await diskUsage(world, repos)) / 1000,
      date: world.clock.now().toISOString().slice(0, 10),
      plan: plan(world),
    },
  ];
}

async function diskUsage(world: World, repos: Repo[]): Promise<number> {
  const usages = await Promise.all(repos.map((repo) => repo.pretended ?? world.storage.usage(repo)));
  return usages.reduce((sum, usage) => sum + usage.currentUsage, 0);
}
