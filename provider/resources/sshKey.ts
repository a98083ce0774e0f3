import type { Key } from "../api";
import { type Failure, ProviderError } from "../errors";
import type { Context, Resource } from "../lifecycle/resource";
import { keyBody, type SshKeyInputs, type SshKeyState, sshKeySchema } from "../schema/sshKey";
import { failuresOf } from "../ssh/toProviderError";
import { assertMayReplace, assertSameOwner, ownerForCreate, readableOwner } from "./ownership";

async function rules(inputs: Partial<SshKeyInputs>): Promise<Failure[]> {
  if (inputs.publicKey === undefined) return [];
  const { mayBePrivate, parsePublicKey } = await import("../ssh/keys/publicKey.js");
  const { publicKey } = inputs;
  let algorithm = "";
  const [unreadable] = failuresOf("publicKey", () => {
    ({ algorithm } = parsePublicKey(publicKey));
  });
  if (unreadable) {
    // The engine prints the value of the property in a failure, and this value may be the private half.
    return [mayBePrivate(publicKey) ? { property: "", reason: `publicKey: ${unreadable.reason}` } : unreadable];
  }
  if (!algorithm.startsWith("sk-")) return [];
  const reason = `BorgBase takes no keys of hardware tokens (${algorithm}), which a backup could not use: give an ed25519, ecdsa or rsa key`;
  return [{ property: "publicKey", reason }];
}

export function toState(key: Key, account?: string): SshKeyState {
  return {
    name: key.name,
    publicKey: key.keyData.trim(),
    comment: key.comment,
    keyType: key.keyType,
    bits: key.bits,
    fingerprintSha256: withPrefix("SHA256:", key.hashSha256).replace(/=+$/, ""),
    fingerprintMd5: withPrefix("MD5:", key.hashMd5),
    ...(key.addedAt && { addedAt: key.addedAt }),
    ...(account && { __account: account }),
  };
}

/** The API returns the bare hash; `ssh-keygen`, logs and `KeyPair` write its kind before it. */
function withPrefix(prefix: string, hash: string): string {
  return hash.toUpperCase().startsWith(prefix) ? hash : prefix + hash;
}

/**
 * The key to adopt. BorgBase cannot edit keys, so it must already match the program.
 * @throws `notFound`, `refused`
 */
async function findAdoptable(id: string, inputs: Partial<SshKeyInputs>, context: Context): Promise<Key> {
  const { keys } = await context.api();
  const key = await keys.get(id);
  if (!key) throw new ProviderError("notFound", `The account has no SSH key ${id} to take over (existingId).`);
  if (inputs.publicKey !== undefined && keyBody(inputs.publicKey) !== keyBody(key.keyData)) {
    throw new ProviderError(
      "refused",
      `The SSH key ${id} to take over is another key (${key.hashSha256}) than publicKey: give its own line, or leave existingId out.`,
    );
  }
  if (inputs.name !== undefined && inputs.name !== key.name) {
    throw new ProviderError(
      "refused",
      `The SSH key ${id} to take over is named "${key.name}", and BorgBase cannot rename keys: give that name, or leave name out.`,
    );
  }
  return key;
}

/**
 * The repositories that list the key, or undefined.
 * @param isLeftOut whether a repository does not count
 */
async function usersOf(
  id: string,
  context: Context,
  isLeftOut: (repo: string) => boolean = () => false,
): Promise<string | undefined> {
  const { repos } = await context.api();
  const users = (await repos.refetchCoalesced()).filter(
    (repo) =>
      [repo.appendOnlyKeys, repo.fullAccessKeys, repo.rsyncKeys].some((list) => list.includes(id)) &&
      !isLeftOut(repo.id),
  );
  return users.length === 0 ? undefined : users.map((repo) => `"${repo.name}" (${repo.id})`).join(", ");
}

/**
 * Guards the old key of a replacement. The program's repositories have the new key by then; others would lose access.
 * A key removed from the program is revoked everywhere, on purpose.
 * @throws `refused`
 */
async function assertUnused(id: string, successor: string, context: Context): Promise<void> {
  const users = await usersOf(id, context);
  if (users === undefined) return;
  throw new ProviderError(
    "refused",
    `The SSH key ${id} is not deleted, though ${successor} has taken its place: it still opens the repositories ${users}. ` +
      `Take ${id} out of their lists, or give them ${successor} instead, and run \`pulumi up\`.`,
  );
}

/**
 * Guards a key that is deleted before its successor exists (`deleteBeforeReplace`). The program's own repositories get the
 * new key afterwards; others would lose access without a word.
 * @throws `refused`
 */
async function assertUsedByDependentsOnly(id: string, context: Context): Promise<void> {
  const users = await usersOf(id, context, (repo) => context.memory?.isDependent("Repo", repo) ?? false);
  if (users === undefined) return;
  throw new ProviderError(
    "refused",
    `The SSH key ${id} is not deleted before its replacement exists: it still opens the repositories ${users}, which do not ` +
      `take their keys from this resource. Take ${id} out of their lists, or remove deleteBeforeReplace, and run \`pulumi up\`.`,
  );
}

/** A public key registered with BorgBase. */
export const sshKey: Resource<SshKeyInputs, SshKeyState> = {
  schema: sshKeySchema,
  rules,

  async previewAdoption(inputs, _unknown, context) {
    if (inputs.existingId === undefined) return [];
    await findAdoptable(inputs.existingId, inputs, context);
    return [`takes over the SSH key ${inputs.existingId} and changes nothing of it`];
  },

  async create(inputs, context) {
    const { keys } = await context.api();
    const owner = await ownerForCreate(context);
    if (inputs.existingId !== undefined) {
      return { id: inputs.existingId, state: toState(await findAdoptable(inputs.existingId, inputs, context), owner) };
    }
    const reasonToKeep = async (id: string) => {
      const users = await usersOf(id, context);
      return users && `it opens the repositories ${users}`;
    };
    const { item, ...found } = await keys.create(
      inputs.name ?? context.name,
      inputs.publicKey,
      context.origin,
      reasonToKeep,
    );
    const { kept } = found;
    if (kept) {
      // The program's repositories list the new key only after this create.
      context.memory?.defer(async () => {
        if ((await reasonToKeep(kept.id)) !== undefined) return false;
        await keys.delete(kept.id);
        return true;
      });
    }
    return { id: item.id, state: toState(item, owner), ...found };
  },

  async read(id, state, context) {
    const { keys, repos } = await context.api();
    // A refresh reads keys before repositories, as these depend on them: both lists come in the time of one request.
    // An import or a `get` knows the id alone, and reads one object.
    if (state.publicKey !== undefined) repos.prefetch();
    const [key, owner] = await Promise.all([keys.get(id), readableOwner(context)]);
    if (key) return toState(key, owner ?? state.__account);
    await assertSameOwner(`SSH key ${id}`, state.__account, (await keys.all()).length, context);
    return undefined;
  },

  /** Only the comment of the line can differ here, and BorgBase stores none. */
  async update(_id, state) {
    return state;
  },

  async list(context) {
    return (await context.api()).keys.refetchCoalesced();
  },

  async assertReplaceAllowed({ id, args }, _changed, context) {
    await assertMayReplace(`the SSH key ${id ?? `"${args.name ?? context.name}"`}`, context);
  },

  async delete(id, state, context, { replacedBy, successor }) {
    const { keys } = await context.api();
    if (replacedBy !== undefined) await assertUnused(id, replacedBy, context);
    // Of a resource that is replaced along with one before it, the program is not known yet.
    else if (successor || context.memory?.isDependent("SshKey", id)) await assertUsedByDependentsOnly(id, context);
    if (await keys.delete(id)) return;
    await assertSameOwner(`SSH key ${id}`, state.__account, (await keys.all()).length, context);
  },
};
