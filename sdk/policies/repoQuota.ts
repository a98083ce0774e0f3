import type { PolicyResource, ReportViolation, StackValidationPolicy } from "@pulumi/policy";
import { type ProviderSettings, settingsFrom } from "../../provider/settings";
import { isOfType, policyConfig, propertyOf } from "./values";

const CONFIG = policyConfig("Names of Repo resources that the policy leaves out.", {
  maxPercent: {
    type: "number",
    exclusiveMinimum: 0,
    maximum: 100,
    default: 90,
    description: "The largest usage, in percent of the quota.",
  },
});

/** A repository has room below its quota. Usage is no output, so the policy asks BorgBase, once per account. */
export const repoQuota: StackValidationPolicy = {
  name: "borgbase-repo-quota",
  displayName: "Repositories have room below their quota",
  description: "The usage of a Repo stays below a share of its quota. The policy reads the usage from BorgBase.",
  severity: "high",
  remediationSteps: "Raise quota of the Repo, or delete archives.",
  configSchema: CONFIG.schema,
  async validateStack(args, report) {
    const { exceptions, maxPercent } = CONFIG.read(args);
    const limited = args.resources.filter((each) => isLimited(each) && !exceptions.includes(each.name));
    for (const repos of byAccount(limited)) {
      const usages = await usagesOf(repos, report);
      for (const repo of repos) {
        const quota = Number(repo.props.quota);
        const usage = usages.get(repo.props.repoPath);
        const percent = Math.ceil((100 * (usage ?? 0)) / quota);
        if (percent <= maxPercent) continue;
        report(
          `Repo "${repo.name}" uses ${percent} % of its quota of ${quota} MB, at most ${maxPercent} % are allowed: raise quota, or delete archives.`,
          repo.urn,
        );
      }
    }
  },
};

/** Whether it exists with a quota: a repository that the deployment makes has no address yet, and no usage. */
function isLimited(resource: PolicyResource): boolean {
  if (!isOfType(resource, "Repo")) return false;
  const quota = propertyOf(resource.props, "quota");
  return typeof quota === "number" && quota > 0 && typeof propertyOf(resource.props, "repoPath") === "string";
}

function byAccount(repos: PolicyResource[]): Iterable<PolicyResource[]> {
  const accounts = new Map<string | undefined, PolicyResource[]>();
  for (const repo of repos) accounts.set(repo.provider?.urn, [...(accounts.get(repo.provider?.urn) ?? []), repo]);
  return accounts.values();
}

/** Usage in MB by address of the repository. */
async function usagesOf(repos: PolicyResource[], report: ReportViolation): Promise<Map<unknown, number>> {
  const [first] = repos;
  const { invokeFunction } = await import("../../provider/hosts/invoke.js");
  try {
    const all = await invokeFunction("getRepos", {}, settingsOf(first));
    return new Map(all.map(({ repoPath, currentUsage }) => [repoPath, currentUsage]));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ProviderError") throw error;
    const names = repos.map(({ name }) => `Repo "${name}"`).sort();
    report(`The usage of ${names.join(", ")} is not known: ${error.message}`, first?.urn);
    return new Map();
  }
}

/** The settings of a resource's provider: the dynamic host's carry a prefix. The environment fills the gaps. */
function settingsOf(resource: PolicyResource | undefined): ProviderSettings {
  const props = resource?.provider?.props ?? {};
  return settingsFrom((name) =>
    [propertyOf(props, name), propertyOf(props, `borgbase:${name}`)].find((each) => each !== undefined),
  );
}
