import type { Context } from "./context";
import { HttpError } from "./errors";
import type { BorgUiVariants } from "./variants";

export type LicencePlan = BorgUiVariants["plan"];

const RANK: Record<LicencePlan, number> = { community: 0, pro: 1, enterprise: 2 };

/** The plan that each feature needs. */
export const FEATURES = {
  borg_v2: "pro",
  backup_plan_multi_repository: "pro",
  backup_plan_mixed_sources: "pro",
  rclone: "pro",
  managed_agents: "pro",
  remote_clients: "pro",
  database_discovery: "pro",
  container_backups: "pro",
  backup_reports: "pro",
  alerting_monitoring: "pro",
  multi_user: "community",
  extra_users: "pro",
  rbac: "enterprise",
} as const satisfies Record<string, LicencePlan>;

const USERS: Record<LicencePlan, number> = { community: 5, pro: 10, enterprise: Number.POSITIVE_INFINITY };

export function includes(current: LicencePlan, required: LicencePlan): boolean {
  return RANK[current] >= RANK[required];
}

/** @throws 403 with the feature, its plan and the present plan. */
export function requireFeature({ variants }: Context, feature: keyof typeof FEATURES): void {
  const required = FEATURES[feature];
  if (includes(variants.plan, required)) return;
  const key = "backend.errors.plan.featureNotAvailable";
  throw new HttpError(403, { key, feature, required, current: variants.plan });
}

/** @throws 403 when the plan allows no further user. */
export function requireUser({ variants, store }: Context): void {
  const limit = USERS[variants.plan];
  if (store.users.all().length < limit) return;
  throw new HttpError(403, { key: "backend.errors.plan.userLimitReached", current: variants.plan, limit });
}
