/** SSH keys as text: generated, imported, compared. Nothing here contacts a host or touches a disk. */
export { generate, type KeySpec, keySpecProblems } from "./generate";
export { importPrivateKey, matches, type PrivateKeyInput } from "./importPrivateKey";
export type { KeyMaterial } from "./keyMaterial";
export {
  formatPublicKey,
  type HardwareKeyType,
  type KeyType,
  mayBePrivate,
  type PublicKey,
  parsePublicKey,
  sameKey,
} from "./publicKey";
