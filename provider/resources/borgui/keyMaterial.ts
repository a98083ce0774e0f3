import type { KeyEdit, ServerKey } from "../../borgui";

/** The server's own fingerprint may be missing. */
export async function fingerprintOf(key: ServerKey): Promise<string> {
  const { parsePublicKey } = await import("../../ssh/keys/publicKey.js");
  return parsePublicKey(key.public_key).fingerprintSha256;
}

/** The edit of the named arguments; undefined where none of them can be edited. */
export function keyEdit(inputs: KeyEdit, names: readonly string[]): KeyEdit | undefined {
  const { name, description } = inputs;
  const edit = {
    ...(names.includes("name") && name !== undefined && { name }),
    ...(names.includes("description") && description !== undefined && { description }),
  };
  return Object.keys(edit).length > 0 ? edit : undefined;
}
