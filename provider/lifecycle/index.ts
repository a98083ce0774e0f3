/** The lifecycle of every resource, derived from its declaration: check, diff, create, read, update, delete. */
export { type ChangedPath, changedPaths } from "./changedPaths";
export { type CheckResult, check } from "./check";
export { create, moveState, read, remove, update } from "./crud";
export { type DiffResult, diff } from "./diff";
export { inputsOfImport, inputsOfRefresh } from "./foundInputs";
export { withManagedFields } from "./managedFields";
export { previewCreate, previewUpdate } from "./preview";
export type { Properties } from "./resource";
