import type { Context } from "../lifecycle/resource";
import type { FunctionSchema } from "../schema/define";

/** A data function: a question about what exists, answered to a program. It changes nothing and keeps nothing. */
export interface DataFunction<Args, Result> {
  schema: Pick<FunctionSchema, "name"> & { parser(): Promise<import("zod").ZodType<Args>> };
  run(args: Args, context: Context): Promise<Result>;
}
