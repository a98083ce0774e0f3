/** What happens to every resource when the engine asks: derived from its declaration, once for all of them. */
export { type CheckResult, check } from "./check";
export { create, read, remove, update } from "./crud";
export { type DiffResult, diff } from "./diff";
export type { Properties } from "./resource";
