import type { Borg, BorgAccess, BorgResult } from "./index";

interface Recorded {
  encryption: string;
  passphrase: string | null;
  archives: { name: string; time: string }[];
}

/** A borg without data, for tests with many repositories: it remembers addresses, passphrases and names of archives. */
export function recordedBorg(): Borg {
  const repositories = new Map<string, Recorded>();

  function init(args: string[], { passphrase }: BorgAccess): BorgResult {
    const path = args.at(-1) ?? "";
    if (repositories.has(path)) return failed(`A repository already exists at ${path}.`);
    repositories.set(path, { encryption: args[args.indexOf("--encryption") + 1] ?? "", passphrase, archives: [] });
    return ok("");
  }

  function opened(path: string, { passphrase }: BorgAccess): Recorded | BorgResult {
    const repository = repositories.get(path);
    if (!repository) return failed(`Repository ${path} does not exist.`);
    const isOpen = repository.encryption === "none" || repository.passphrase === passphrase;
    return isOpen ? repository : failed(`passphrase supplied in BORG_PASSPHRASE is incorrect.`);
  }

  return {
    version: async () => "borg 1.4.0",
    async run(args, access) {
      const [verb] = args;
      if (verb === "init") return init(args, access);
      const address = args.find((arg) => arg.startsWith("/") || arg.startsWith("ssh://")) ?? "";
      const [path = "", archive] = address.split("::");
      const repository = opened(path, access);
      if ("code" in repository) return repository;
      if (verb === "create" && archive !== undefined) {
        repository.archives.push({ name: archive, time: new Date().toISOString().replace("Z", "") });
      }
      const { encryption, archives } = repository;
      const cache = { stats: { unique_size: 0 } };
      return ok(JSON.stringify({ repository: { location: path }, encryption: { mode: encryption }, cache, archives }));
    },
    addKeyfile: async () => ({ name: "key", remove: async () => {} }),
    close: async () => {},
  };
}

function ok(stdout: string): BorgResult {
  return { code: 0, stdout, stderr: "" };
}

function failed(stderr: string): BorgResult {
  return { code: 2, stdout: "", stderr };
}
