/*
 * The schema library for imports on first use. `import("zod")` itself would load a second copy, as ECMAScript modules,
 * beside the one of `require`.
 */
export { z } from "zod";
