import type { Policies } from "@pulumi/policy";
import { keyMachines, keyRepositories } from "./fullAccessKeys";
import { repoQuota } from "./repoQuota";
import { repoAlert, repoCompaction, repoProtect } from "./repos";

/**
 * Policies for the resources of this package, of any program and host. None has an enforcement level of its own: the
 * pack's one applies, `advisory` by default, or the one of a policy's configuration. Each takes `exceptions` by name.
 *
 * @example
 * new PolicyPack("backups", { policies: borgbasePolicies, enforcementLevel: "mandatory" });
 */
export const borgbasePolicies: Policies = [
  repoAlert,
  repoCompaction,
  repoProtect,
  repoQuota,
  keyRepositories,
  keyMachines,
];
