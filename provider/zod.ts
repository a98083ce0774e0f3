/*
 * The schema library as it is imported where it is not needed at the start: by way of this file all share one copy.
 * `import("zod")` itself would load a second one, as ECMAScript modules, beside that of `require`.
 */
export { z } from "zod";
