import type { ProviderSettings } from "../config";
import { ProviderError } from "../errors";
import { type FunctionName, type FunctionResult, functionOf } from "../registry";
import { connectionFor, contextFor } from "./connection";

/** Calls a data function. Loaded by the program's own process too. */
export async function invokeFunction<N extends FunctionName>(
  name: N,
  args: unknown,
  settings: ProviderSettings,
): Promise<FunctionResult<N>> {
  const { schema, run } = functionOf(name);
  const parsed = (await schema.parser()).safeParse(args);
  if (!parsed.success) {
    throw new ProviderError("input", `${name}: ${parsed.error.issues.map((issue) => issue.message).join("; ")}`);
  }
  const context = contextFor(connectionFor(settings), undefined, { log: () => {} });
  return (await run(parsed.data, context)) as FunctionResult<N>;
}
