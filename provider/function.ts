import type { z } from "zod";
import type { Context } from "./resource";

/** A question about what exists, answered to a program. It changes nothing and remembers nothing. */
export interface DataFunction<Args, Result> {
  /** Made on first use, as it loads the schema library. */
  args(): Promise<z.ZodType<Args>>;
  run(args: Args, context: Context): Promise<Result>;
}
