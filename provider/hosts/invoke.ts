import { ProviderError } from "../errors";
import { type FunctionName, type FunctionResult, functionOf } from "../registry";
import type { ProviderSettings } from "../settings";
import { type Connection, connectionFor, contextFor } from "./connection";

/** Calls a data function. Loaded by the program's own process too. */
export function invokeFunction<N extends FunctionName>(
  name: N,
  args: unknown,
  settings: ProviderSettings,
): Promise<FunctionResult<N>> {
  return invokeFunctionWith(connectionFor(settings), name, args);
}

export async function invokeFunctionWith<N extends FunctionName>(
  connection: Connection,
  name: N,
  args: unknown,
): Promise<FunctionResult<N>> {
  const { schema, run } = functionOf(name);
  const parsed = (await schema.parser()).safeParse(args);
  if (!parsed.success) {
    throw new ProviderError("input", `${name}: ${parsed.error.issues.map((issue) => issue.message).join("; ")}`);
  }
  return (await run(parsed.data, contextFor(connection, undefined, { log: () => {} }))) as FunctionResult<N>;
}
