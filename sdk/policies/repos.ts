import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { isOfType, listOf, policyConfig, propertyOf, UNKNOWN } from "./values";

const EXCEPTIONS = "Names of Repo resources that the policy leaves out.";

const ALERT = policyConfig(EXCEPTIONS, {
  maxDays: { type: "integer", minimum: 1, default: 7, description: "The largest alertDays that counts as an alert." },
});

const NAMES = policyConfig(EXCEPTIONS, {});

/** Every repository has an alert. */
export const repoAlert: ResourceValidationPolicy = {
  name: "borgbase-repo-alert",
  displayName: "Repositories have an alert",
  description: "A Repo sets alertDays, so that BorgBase reports a backup that stays away.",
  severity: "high",
  remediationSteps: "Set alertDays of the Repo, for example to 2.",
  configSchema: ALERT.schema,
  validateResource(args, report) {
    const { exceptions, maxDays } = ALERT.read(args);
    if (!isChecked(args, exceptions)) return;
    const days = propertyOf(args.props, "alertDays");
    if (days === UNKNOWN) return;
    if (!days) report(`Repo "${args.name}" has no alert: set alertDays to at most ${maxDays}.`);
    else if (Number(days) > maxDays)
      report(`Repo "${args.name}" has an alert after ${days} days: set alertDays to at most ${maxDays}.`);
  },
};

/** A repository whose keys cannot delete is compacted by the server. */
export const repoCompaction: ResourceValidationPolicy = {
  name: "borgbase-repo-compaction",
  displayName: "Append-only repositories are compacted",
  description: "A Repo for borg with appendOnlyKeys or appendOnly sets compaction, as such keys free no space.",
  severity: "medium",
  remediationSteps: "Set compaction of the Repo.",
  configSchema: NAMES.schema,
  validateResource(args, report) {
    if (!isChecked(args, NAMES.read(args).exceptions)) return;
    const compaction = propertyOf(args.props, "compaction");
    const format = propertyOf(args.props, "format") ?? "borg1";
    if (compaction === UNKNOWN || !/^borg/i.test(String(format))) return;
    if (typeof compaction === "object" && compaction && propertyOf(compaction, "interval") !== undefined) return;
    const keys = listOf(args.props, "appendOnlyKeys");
    const has = [
      ...(keys !== UNKNOWN && keys.length > 0 ? ["appendOnlyKeys"] : []),
      ...(propertyOf(args.props, "appendOnly") === true ? ["appendOnly"] : []),
    ];
    if (has.length === 0) return;
    report(
      `Repo "${args.name}" has ${has.join(" and ")} but no compaction: set compaction, as these keys free no space.`,
    );
  },
};

/** A repository whose backups may be deleted is protected. */
export const repoProtect: ResourceValidationPolicy = {
  name: "borgbase-repo-protect",
  displayName: "Repositories with forceDestroy are protected",
  description: "A Repo with forceDestroy has the resource option protect, as a deletion takes its backups along.",
  severity: "high",
  remediationSteps: "Add the resource option protect, or remove forceDestroy.",
  configSchema: NAMES.schema,
  validateResource(args, report) {
    if (!isChecked(args, NAMES.read(args).exceptions)) return;
    if (propertyOf(args.props, "forceDestroy") !== true || args.opts.protect) return;
    const keep = propertyOf(args.props, "keepOnDelete");
    if (keep === UNKNOWN || keep === true) return;
    report(`Repo "${args.name}" has forceDestroy without protect: add the option protect, or remove forceDestroy.`);
  },
};

function isChecked(args: ResourceValidationArgs, exceptions: string[]): boolean {
  return isOfType(args, "Repo") && !exceptions.includes(args.name);
}
