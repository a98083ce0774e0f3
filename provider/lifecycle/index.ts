/** The lifecycle of every resource, derived from its declaration: check, diff, create, read, update, delete. */
export { type CheckResult, check } from "./check";
export { create, read, remove, update } from "./crud";
export { type DiffResult, diff } from "./diff";
export type { Properties } from "./resource";
