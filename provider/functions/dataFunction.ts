import type { Context } from "../lifecycle/resource";
import type { FunctionSchema } from "../schema/define";

/** A data function: reads for a program. It changes nothing and stores nothing. */
export interface DataFunction<Args, Result> {
  schema: Pick<FunctionSchema, "name" | "list"> & { parser(): Promise<import("zod").ZodType<Args>> };
  run(args: Args, context: Context): Promise<Result>;
}
