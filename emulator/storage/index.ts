/** Storage of real backups: `borg serve` behind SSH, restic's protocol behind HTTP. */
export { stopAllBelow } from "./borgServe";
export { compactRepo } from "./compact";
export { encryption } from "./encryption";
export { removeRepo } from "./remove";
export { resticRequest } from "./resticRest";
export { startSshServer } from "./sshServer";
export type * from "./types";
export { usage } from "./usage";
