/** An object of the account that a program adopts. */
export interface Adoption {
  /** Id at BorgBase. */
  id: string;
  /** Name of the resource in the program. */
  name: string;
  /** Arguments by name. Undefined ones are omitted. */
  args: Record<string, unknown>;
}

const KEY_LISTS = new Set(["appendOnlyKeys", "fullAccessKeys", "rsyncKeys"]);

/** A TypeScript program that adopts the objects by id. Its repositories refer to its keys; other keys keep their ids. */
export function adoptingProgram({ keys, repos }: { keys: Adoption[]; repos: Adoption[] }): string {
  const names = new Map(keys.map(({ id, name }) => [id, name]));
  const reference = (id: unknown) => {
    const name = names.get(String(id));
    return name === undefined ? code(id) : `keys[${code(name)}].id`;
  };
  const argument = (name: string, value: unknown) =>
    KEY_LISTS.has(name) && Array.isArray(value) ? `[${value.map(reference).join(", ")}]` : code(value);
  const resource = (type: string, { id, name, args }: Adoption) => {
    const given = Object.entries({ ...args, existingId: id }).filter(([, value]) => value !== undefined);
    const lines = given.map(([key, value]) => `  ${key}: ${argument(key, value)},\n`);
    return `new borgbase.${type}(${code(name)}, {\n${lines.join("")}})`;
  };

  const entries = keys.map((key) => `  ${code(key.name)}: ${resource("SshKey", key).replaceAll("\n", "\n  ")},\n`);
  const parts = [
    'import * as borgbase from "pulumi-borgbase";\n',
    ...(entries.length > 0 ? [`const keys = {\n${entries.join("")}};\n`] : []),
    ...repos.map((repo) => `${resource("Repo", repo)};\n`),
  ];
  return parts.join("\n");
}

/** A value as TypeScript. JSON is TypeScript too; objects are on one line, with bare keys. */
function code(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(code).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, item]) => `${key}: ${code(item)}`);
  return `{ ${entries.join(", ")} }`;
}
