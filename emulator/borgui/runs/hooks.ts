import { execFile } from "node:child_process";
import { isoTime } from "../../clock";
import type { Context } from "../context";
import type { Plan, Run } from "../store/rows";

type Outcome = "success" | "warning" | "failure";

/**
 * Runs the scripts of a plan before or after its backups, in their order. `outcome` is the one of the backups so far.
 *
 * @returns an error of a script that must not fail; null for none.
 */
export async function runHooks(
  context: Context,
  run: Run,
  plan: Plan,
  type: "pre-backup" | "post-backup",
  outcome: Outcome | null,
): Promise<string | null> {
  const { store, clock } = context;
  const hooks = plan.script_hooks
    .filter(({ hook_type, enabled }) => enabled && hook_type === type)
    .sort((a, b) => a.execution_order - b.execution_order);
  for (const hook of hooks) {
    const script = store.scripts.get(hook.script_id);
    const condition = hook.custom_run_on ?? script?.run_on ?? "always";
    if (!script || (outcome !== null && condition !== "always" && condition !== outcome)) continue;
    const started_at = isoTime(clock.now());
    const seconds = hook.custom_timeout ?? script.timeout;
    const exit_code = await execute(script.content, hook.parameter_values, seconds);
    const error_message = exit_code === 0 ? null : `The script ${script.name} ended with ${exit_code}.`;
    run.script_executions.push({
      id: store.newPartId(),
      script_id: script.id,
      script_name: script.name,
      hook_type: type,
      status: exit_code === 0 ? "completed" : "failed",
      started_at,
      completed_at: isoTime(clock.now()),
      exit_code,
      error_message,
    });
    store.runs.save(run);
    if (error_message !== null && !hook.continue_on_error) return error_message;
  }
  return null;
}

/** Runs a script with its parameters as variables. @returns its exit code. */
function execute(content: string, values: Record<string, unknown>, seconds: number): Promise<number> {
  const variables = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
  const options = { env: { ...process.env, ...variables }, timeout: seconds * 1000 };
  return new Promise((resolve) => {
    execFile("/bin/sh", ["-c", content], options, (error) => {
      resolve(error === null ? 0 : typeof error.code === "number" ? error.code : 1);
    });
  });
}
