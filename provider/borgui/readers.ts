import { z } from "zod";

/** The answer to a deletion: some say `success`, some nothing. */
export const done = z.object({ success: z.literal(true, { error: "the server answered success: false" }).nullish() });
