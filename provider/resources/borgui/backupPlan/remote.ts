import type { PlanEdit, ServerHook, ServerPlan } from "../../../borgui";
import {
  type BackupPlanInputs,
  type BackupPlanState,
  isKeepAll,
  PERIODS,
  type Retention,
  type ScriptHooks,
} from "../../../schema/borgui/backupPlan";
import type { OfServer } from "../sameServer";

export function toState(plan: ServerPlan, { __server }: OfServer): BackupPlanState {
  const hooks = (plan.script_hooks ?? []).flatMap(toHook);
  const retention = retentionOf(plan);
  const cron = plan.schedule_enabled ? plan.cron_expression : undefined;
  const enabled = plan.repositories.filter((link) => link.enabled);
  return {
    name: plan.name,
    sourceDirectories: plan.source_directories,
    ...(plan.source_ssh_connection_id !== undefined && { sourceConnectionId: plan.source_ssh_connection_id }),
    repositoryIds: enabled
      .sort((a, b) => a.execution_order - b.execution_order)
      .map(({ repository_id }) => repository_id),
    ...(cron !== undefined && { cron }),
    timezone: plan.timezone,
    enabled: plan.enabled,
    compression: plan.compression,
    excludePatterns: plan.exclude_patterns,
    ...(retention && { retention }),
    ...(hooks.length > 0 && { scriptHooks: hooks }),
    ...(__server !== undefined && { __server }),
  };
}

function retentionOf(plan: ServerPlan): Retention | undefined {
  if (!plan.run_prune_after) return undefined;
  const counts = PERIODS.map((period) => [period, plan[`prune_keep_${period}`]] as const).filter(
    ([, count]) => count > 0,
  );
  const within = plan.prune_keep_within;
  return { ...Object.fromEntries(counts), ...(within !== undefined && { within }) };
}

/** Scripts that an agent publishes have no id, and are left alone. */
function toHook({ script_id: scriptId, hook_type, custom_timeout: timeout, parameter_values }: ServerHook) {
  if (scriptId === undefined) return [];
  const parameters = Object.entries(parameter_values ?? {}).map(([name, value]) => [name, String(value)]);
  return [
    {
      scriptId,
      when: hook_type as ScriptHooks[number]["when"],
      ...(typeof timeout === "number" && { timeout }),
      ...(parameters.length > 0 && { parameters: Object.fromEntries(parameters) as Record<string, string> }),
    },
  ];
}

/** The edit of the named arguments. */
export function toEdit(inputs: BackupPlanInputs, names: readonly string[]): PlanEdit {
  const has = (...each: (keyof BackupPlanInputs)[]) =>
    each.some((name) => names.includes(name) && inputs[name] !== undefined);
  const { name, enabled, compression, excludePatterns, timezone, sourceConnectionId, cron, retention, scriptHooks } =
    inputs;
  return {
    ...(has("name") && name !== undefined && { name }),
    ...(has("enabled") && enabled !== undefined && { enabled }),
    ...(has("compression") && compression !== undefined && { compression }),
    ...(has("excludePatterns") && excludePatterns && { exclude_patterns: excludePatterns }),
    ...(has("timezone") && timezone !== undefined && { timezone }),
    ...(has("sourceConnectionId") && {
      source_type: sourceConnectionId ? ("remote" as const) : ("local" as const),
      source_ssh_connection_id: sourceConnectionId ? Number(sourceConnectionId) : null,
    }),
    ...(has("sourceDirectories", "sourceConnectionId") && {
      source_directories: inputs.sourceDirectories,
      source_locations: null,
    }),
    ...(has("repositoryIds") && {
      repositories: inputs.repositoryIds.map((id, index) => ({
        repository_id: Number(id),
        execution_order: index + 1,
      })),
    }),
    ...(has("cron") && { schedule_enabled: cron !== "", cron_expression: cron || null }),
    ...(has("retention") && pruneOf(retention)),
    ...(has("scriptHooks") && scriptHooks && { script_hooks: hooksOf(scriptHooks) }),
  };
}

function pruneOf(retention: Retention | undefined): PlanEdit {
  if (retention === undefined || isKeepAll(retention)) return { run_prune_after: false };
  const counts = Object.fromEntries(PERIODS.map((period) => [`prune_keep_${period}`, retention[period] ?? 0]));
  return { run_prune_after: true, ...counts, prune_keep_within: retention.within ?? null };
}

function hooksOf(hooks: ScriptHooks): object[] {
  return hooks.map(({ scriptId, when, timeout, parameters }, index) => ({
    script_id: Number(scriptId),
    hook_type: when,
    execution_order: index + 1,
    custom_timeout: timeout ?? null,
    parameter_values: parameters ?? null,
  }));
}
