import type { BackupJobInputs } from "../../schema/backupJob";
import type { Problem } from "../../ssh/connection/address";

/** Problems of what is backed up and where to. */

export function repositoryProblem(repository: string): string | undefined {
  if (hasControl(repository)) return "must be one line without control characters";
  const scp = /^([^/:@\s]+@[^/:\s]+):(?!\/\/)(.+)$/.exec(repository);
  if (scp !== null) {
    const [, account = "", path = ""] = scp;
    return `is in the form of scp: write "ssh://${account}/${path.startsWith("/") ? path.slice(1) : `./${path}`}"`;
  }
  if (/[{}]/.test(repository)) return "cannot have placeholders: the job is bound to one repository by its id";
  if (repository.startsWith("/")) return undefined;
  if (!repository.startsWith("ssh://")) return "must be an ssh:// URL or an absolute path";
  if (/\s/.test(repository)) return "cannot have blanks";
  if (!URL.canParse(repository)) return "is no valid URL";
  const { hostname, pathname, password } = new URL(repository);
  if (password !== "") return "cannot have a password: borg logs in with privateKey";
  return hostname === "" || pathname.length < 2 ? "must name a host and a path: ssh://USER@HOST/PATH" : undefined;
}

export function pathProblems(
  { paths, exclude, excludeIfPresent, borgmatic = {} }: Partial<BackupJobInputs>,
  unknown: ReadonlySet<string>,
): Problem[] {
  const problems: Problem[] = [];
  const add = (property: string, reason: string) => problems.push({ property, reason });
  const isDump = Object.keys(borgmatic).some((option) => option.endsWith("_databases"));
  if (paths?.length === 0 && !isDump && !unknown.has("borgmatic")) {
    add("paths", "must name at least one path, unless borgmatic dumps databases");
  }
  for (const path of paths ?? []) {
    if (!path.startsWith("/")) add("paths", `"${path}" must be an absolute path`);
    else if (hasControl(path)) add("paths", `"${visible(path)}" has control characters`);
  }
  for (const pattern of exclude ?? []) {
    if (/[\r\n]/.test(pattern)) add("exclude", `"${visible(pattern)}" must be one line`);
  }
  for (const file of excludeIfPresent ?? []) {
    if (/[/\r\n]/.test(file))
      add("excludeIfPresent", `"${visible(file)}" must be the name of a file, without a folder`);
  }
  return problems;
}

const COMPRESSION = /^(obfuscate,\d+,)?(none|(auto,)?(lz4|zstd(,([1-9]|1\d|2[0-2]))?|zlib(,\d)?|lzma(,\d)?))$/;

export function archiveProblems(
  { compression, archiveName, retention, checks }: Partial<BackupJobInputs>,
  unknown: ReadonlySet<string>,
): Problem[] {
  const problems: Problem[] = [];
  const add = (property: string, reason: string) => problems.push({ property, reason });
  if (compression !== undefined && !COMPRESSION.test(compression)) {
    add("compression", 'must be none, lz4, zstd, zlib or lzma, with a level as in "zstd,10", after "auto," if wanted');
  }
  if (archiveName) {
    if (!/\{(now|utcnow)\b/.test(archiveName)) {
      add(
        "archiveName",
        "must have a placeholder of the time, such as {now:%Y-%m-%dT%H:%M:%S}: every archive needs its own name",
      );
    } else if (/^\{(now|utcnow)\b/.test(archiveName)) {
      add(
        "archiveName",
        "must begin with a fixed text, such as {hostname}-: it separates the archives of jobs in one repository",
      );
    }
    if (/[/\s]/.test(archiveName.replace(/\{[^}]*\}/g, ""))) add("archiveName", "cannot have blanks or slashes");
  }
  if (retention !== undefined && !unknown.has("retention")) {
    const kept = Object.values(retention).filter((each) => each !== undefined);
    if (kept.length > 0 && kept.every((each) => each === 0)) {
      add("retention", "keeps nothing: give at least one number above 0, or leave retention out");
    }
  }
  const names = (checks ?? []).map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) add("checks", `has "${twice}" twice`);
  return problems;
}

function hasControl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for control characters
  return /[\u0000-\u001f\u007f]/.test(text);
}

function visible(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
