import type { BorgUi, CheckSchedule, NewRepository, RepositoryEdit, ServerRepository } from "../../../borgui";
import { isNever, plain, type RepositoryInputs, type RepositoryState } from "../../../schema/borgui/repository";
import type { OfServer } from "../sameServer";

/** What the server does not tell: it is as the program or the state says. */
export type Local = Partial<Pick<RepositoryInputs, "connectionId" | "path" | "passphrase" | "forceDestroy">> & OfServer;

/** @param checks schedule of the checks, where it was read */
export function toState(row: ServerRepository, local: Local, checks: CheckSchedule | undefined): RepositoryState {
  const { connectionId, passphrase, forceDestroy = false, __server } = local;
  const path = pathOf(row);
  return {
    name: row.name,
    ...(connectionId !== undefined && { connectionId }),
    path: local.path !== undefined && isSamePath(path, local.path) ? local.path : path,
    encryption: row.encryption as RepositoryState["encryption"],
    ...(passphrase !== undefined && { passphrase }),
    compression: row.compression,
    sourceDirectories: row.source_directories,
    excludePatterns: row.exclude_patterns,
    ...(row.custom_flags !== undefined && { customFlags: row.custom_flags }),
    uploadRateLimitKib: row.upload_ratelimit_kib,
    ...(row.remote_path !== undefined && { remotePath: row.remote_path }),
    mode: row.mode as RepositoryState["mode"],
    ...(checks && { checkSchedule: JSON.parse(JSON.stringify(checks)) }),
    forceDestroy,
    url: row.path,
    ...(__server !== undefined && { __server }),
  };
}

/** The path in the address of a repository. */
export function pathOf({ path }: ServerRepository): string {
  return path.replace(/^ssh:\/\/[^/]+/, "");
}

/** Whether the server has built the one path from the other: before it may stand a prefix of the connection or a data folder. */
export function isSamePath(built: string, given: string): boolean {
  return plain(built) === plain(given) || built.replace(/\/+$/, "").endsWith(`/${plain(given)}`);
}

/**
 * The connection to the host of a repository: the known one where it leads there, else the first that does. Undefined for a
 * folder of the server, and where no connection is left.
 */
export async function connectionOf(ui: BorgUi, row: ServerRepository, known?: string): Promise<string | undefined> {
  if (row.target === undefined) return undefined;
  const leading = (await ui.connections.all()).filter(({ name }) => name === row.target).map(({ id }) => id);
  return known !== undefined && leading.includes(known) ? known : leading.sort((a, b) => Number(a) - Number(b))[0];
}

const EDITABLE = {
  name: "name",
  compression: "compression",
  sourceDirectories: "source_directories",
  excludePatterns: "exclude_patterns",
  customFlags: "custom_flags",
  uploadRateLimitKib: "upload_ratelimit_kib",
  remotePath: "remote_path",
  mode: "mode",
} as const;

/** The edit of the named arguments; undefined where none of them can be edited. */
export function toEdit(inputs: Partial<RepositoryInputs>, names: readonly string[]): RepositoryEdit | undefined {
  const changed = Object.entries(EDITABLE).filter(([name]) => names.includes(name));
  if (changed.length === 0) return undefined;
  return Object.fromEntries(
    changed.map(([name, field]) => {
      const value = inputs[name as keyof typeof EDITABLE];
      // Borg UI refuses 0.
      return [field, name === "uploadRateLimitKib" && value === 0 ? null : value];
    }),
  );
}

export function toCreate(inputs: RepositoryInputs, name: string): NewRepository {
  const { connectionId, path, encryption = "repokey", passphrase } = inputs;
  const set = Object.keys(EDITABLE).filter((each) => inputs[each as keyof typeof EDITABLE] !== undefined);
  return {
    ...toEdit(inputs, set),
    name,
    path,
    encryption,
    ...(connectionId !== undefined && { connection_id: Number(connectionId) }),
    ...(passphrase !== undefined && { passphrase }),
  };
}

/** Undefined: off. */
export function toSchedule({ checkSchedule }: RepositoryInputs): CheckSchedule | undefined {
  return checkSchedule === undefined || isNever(checkSchedule) ? undefined : checkSchedule;
}
