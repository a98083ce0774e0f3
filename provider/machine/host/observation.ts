import type { Account, JobNames, Program } from "../plan/types";
import type { Machine } from "./machine";
import { type Manifest, readManifest } from "./manifest";
import { quote, stagedPath } from "./shell";

/** A path on the host. */
export type Entry =
  | { kind: "none" | "link" | "other" }
  | { kind: "folder"; mode: number; owner: string; group: string; names: string[] }
  | { kind: "file"; mode: number; owner: string; group: string; sha256: string; text: string | undefined };

/** What one round trip shows of a host and of one job on it. */
export interface Observation {
  uid: number;
  os: { system: string; id: string; version: string };
  hostname: string;
  machineId: string;
  /** Whether systemd runs there. */
  hasSystemd: boolean;
  /** Paths of programs and package managers that are there. */
  commands: Partial<Record<Program | PackageManager | "ssh-keyscan", string>>;
  flockHasLimit: boolean;
  versions: { borg: string | undefined; borgmatic: string | undefined };
  /** What tells an unchanged program from a changed one, without starting it. */
  signatures: { borg: string | undefined; borgmatic: string | undefined };
  /** Whether the root of the job's files can be written. */
  writable: boolean;
  account: Account | undefined;
  entries: ReadonlyMap<string, Entry>;
  manifest: Manifest | undefined;
  timer: UnitState;
  service: UnitState;
}

export type PackageManager = "apt-get" | "dnf" | "apk" | "pacman" | "zypper";

/** Properties of `systemctl show`, by name. */
export type UnitState = Readonly<Record<string, string>>;

const COMMANDS = ["sh", "cat", "ssh", "ssh-keyscan", "flock", "apt-get", "dnf", "apk", "pacman", "zypper"];

/** Files whose text is compared part by part, or shown. All other files are compared by their hash. */
const textsOf = (names: JobNames) => [
  names.manifest,
  names.config,
  names.knownHosts,
  names.servicePath,
  names.timerPath,
  names.cronPath,
];

const UNIT_PROPERTIES = [
  ...["Id", "LoadState", "UnitFileState", "ActiveState", "DropInPaths", "NeedDaemonReload", "Result", "ExecMainStatus"],
  ...["ExecMainStartTimestamp", "ExecMainExitTimestamp", "NextElapseUSecRealtime", "LastTriggerUSec"],
];

/** Lines before the output of a program. The texts come last, as they may hold any line. */
const UNITS = "state of the units";
const FOLDERS = "names of the folders";
const TEXTS = "texts of the files";

/** Observes a host and a job in one round trip. Changes nothing. */
export async function observe(machine: Machine, names: JobNames, user: string): Promise<Observation> {
  const { output } = await machine.run(observationScript(names, user), { purpose: "observe the job" });
  return parseObservation(output, names);
}

function observationScript(names: JobNames, user: string): string {
  const texts = textsOf(names);
  const paths = [
    ...[names.root, names.folder, names.manifest, names.config, names.privateKey, names.passphrase],
    ...[names.knownHosts, names.wrapper, names.stateRoot, names.stateFolder, names.lock, names.servicePath],
    ...[names.serviceDropIns, names.timerPath, names.timerDropIns, names.cronPath, stagedPath(names.passphrase)],
  ];
  const properties = UNIT_PROPERTIES.map((each) => `-p ${each}`).join(" ");
  // Few processes: hosts are small, and each refresh observes them. With `/dev/null` before them, `ls` and `tail` write a
  // header for each of the others.
  // Not `command -v`: the shell of BusyBox may answer it without a path.
  return `w() { p=; o=$IFS; IFS=:; for d in $PATH; do [ -f "$d/$1" ] && [ -x "$d/$1" ] && { p=$d/$1; break; }; done; IFS=$o; [ "$p" ]; }
echo "who $(id -u) $(uname -sn)"
(. /etc/os-release 2>/dev/null; echo "os \${ID:-unknown} \${VERSION_ID:-unknown}")
read -r i 2>/dev/null < /etc/machine-id && echo "machine $i"
for c in ${COMMANDS.join(" ")}; do w "$c" && echo "command $c $p"; done
w flock && case $("$p" --help 2>&1) in *--timeout*) echo "limit yes";; esac
m=$(cat ${quote(names.manifest)} 2>/dev/null)
set --; for c in borg borgmatic; do w "$c" && { echo "command $c $p"; set -- "$@" "$p"; }; done
[ $# -eq 0 ] || set -- $(stat -L -c '%n %Y %s %i' "$@")
while [ $# -gt 3 ]; do
  c=\${1##*/}; s="$c $1 $2 $3 $4"; shift 4
  echo "signature $s"
  case $m in *""$s""*) ;; *) v=$("$c" --version 2>/dev/null) && echo "version $c \${v##* }";; esac
done
[ -d /run/systemd/system ] && echo "systemd yes"
w=${names.root}; while [ ! -e "$w" ]; do w=$(dirname "$w"); done; [ -w "$w" ] && echo "writable yes"
l=$(grep "^"${quote(user)}":" /etc/passwd || getent passwd ${quote(user)}) && { echo "passwd $l"; echo "group $(id -gn ${quote(user)})"; }
set -- ${paths.map(quote).join(" ")}
for f; do
  shift
  if [ -L "$f" ]; then echo "link $f"
  elif [ -d "$f" ] || [ -f "$f" ]; then set -- "$@" "$f"
  elif [ -e "$f" ]; then echo "other $f"
  fi
done
[ $# -eq 0 ] || { stat -c 'entry %n %f %U %G %s' "$@"; sha256sum "$@" 2>/dev/null; }
for f; do shift; [ -d "$f" ] && set -- "$@" "$f"; done
echo "${UNITS}"; [ -d /run/systemd/system ] && systemctl show ${quote(names.timer)} ${quote(names.service)} ${properties} 2>/dev/null
echo "${FOLDERS}"; ls -A /dev/null "$@"
set -- ${texts.map(quote).join(" ")}
for f; do shift; [ -f "$f" ] && set -- "$@" "$f"; done
echo "${TEXTS}"; tail -n +1 /dev/null "$@"
:`;
}

function parseObservation(output: Buffer, names: JobNames): Observation {
  const [shown, rest] = splitAt(output, UNITS);
  const [unitLines, listings] = splitAt(rest, FOLDERS);
  const [folderLines, contents] = splitAt(listings, TEXTS);
  const lines = shown
    .toString()
    .split("\n")
    .map((line) => line.split(" "));
  const all = (kind: string) => lines.filter(([first]) => first === kind).map(([, ...words]) => words);
  const one = (kind: string) => all(kind)[0];
  const sizes = new Map(all("entry").map(([path = "", , , , size]) => [path, Number(size)]));
  const texts = textsIn(contents, textsOf(names), sizes);
  const [passwd, group] = [one("passwd")?.join(" ") ?? "", one("group")?.join(" ") ?? ""];
  const [name, , , , , home = ""] = passwd.split(":");
  const manifest = readManifest(texts.get(names.manifest));
  const signatures = Object.fromEntries(all("signature").map((words) => [words[0], words.join(" ")]));
  const found = Object.fromEntries(all("version").map(([program, version]) => [program, version]));
  const version = (program: "borg" | "borgmatic") =>
    signatures[program] === undefined ? undefined : (found[program] ?? manifest?.versions?.[program]);
  const units = unitsIn(unitLines.toString());
  const [uid, system = "", hostname = ""] = one("who") ?? [];
  return {
    uid: Number(uid),
    os: { system, id: one("os")?.[0] ?? "", version: one("os")?.[1] ?? "" },
    hostname,
    machineId: one("machine")?.[0] ?? hostname,
    hasSystemd: one("systemd") !== undefined,
    commands: Object.fromEntries(all("command")),
    flockHasLimit: one("limit") !== undefined,
    versions: { borg: version("borg"), borgmatic: version("borgmatic") },
    signatures: { borg: signatures.borg, borgmatic: signatures.borgmatic },
    writable: one("writable") !== undefined,
    account: name ? { name, group, home } : undefined,
    entries: entriesIn(lines, namesIn(folderLines.toString()), texts),
    manifest,
    timer: units.get(names.timer) ?? {},
    service: units.get(names.service) ?? {},
  };
}

/** The output before and after the first such line. */
function splitAt(output: Buffer, line: string): [Buffer, Buffer] {
  const at = output.indexOf(`${line}\n`);
  return at < 0 ? [output, Buffer.alloc(0)] : [output.subarray(0, at), output.subarray(at + line.length + 1)];
}

/** Names by folder, from `ls`: a blank line, `FOLDER:`, its names. */
function namesIn(listing: string): ReadonlyMap<string, string[]> {
  const folders = listing.split("\n\n").map((block) => block.split("\n").filter(Boolean));
  return new Map(folders.map(([head = "", ...names]) => [head.replace(/:$/, ""), names]));
}

/**
 * Contents by file, from `tail`: a line's end and `==> FILE <==` before each. Cut by size, as a file may hold such lines. A
 * file behind a link has no size here, and ends before the next header; one that cannot be read is left out.
 */
function textsIn(
  output: Buffer,
  paths: readonly string[],
  sizes: ReadonlyMap<string, number>,
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const headers = paths.map((path) => `\n==> ${path} <==\n`);
  let end = 0;
  for (const [index, path] of paths.entries()) {
    const header = headers[index] as string;
    const at = output.indexOf(header, end);
    if (at < 0) continue;
    const start = at + Buffer.byteLength(header);
    const size = sizes.get(path);
    const next = headers.slice(index + 1).map((each) => output.indexOf(each, start));
    end = size === undefined ? Math.min(output.length, ...next.filter((each) => each >= 0)) : start + size;
    texts.set(path, output.toString("utf8", start, end));
  }
  return texts;
}

function entriesIn(
  lines: readonly string[][],
  folders: ReadonlyMap<string, string[]>,
  texts: ReadonlyMap<string, string>,
): Map<string, Entry> {
  const hashed = lines.filter(([first = ""]) => /^[0-9a-f]{64}$/.test(first));
  const hashes = new Map(hashed.map(([sha256 = "", , path = ""]) => [path, sha256]));
  const entries = new Map<string, Entry>();
  for (const [kind, path = "", raw = "", owner = "", group = ""] of lines) {
    if (kind === "link" || kind === "other") entries.set(path, { kind });
    if (kind !== "entry") continue;
    const mode = Number.parseInt(raw, 16) & 0o7777;
    const names = folders.get(path);
    if (names) entries.set(path, { kind: "folder", mode, owner, group, names });
    else entries.set(path, { kind: "file", mode, owner, group, sha256: hashes.get(path) ?? "", text: texts.get(path) });
  }
  return entries;
}

/** Units by name. A blank line stands between them. */
function unitsIn(text: string): ReadonlyMap<string | undefined, UnitState> {
  const units = text
    .split("\n\n")
    .map(
      (block): UnitState =>
        Object.fromEntries(block.split("\n").map((line) => line.split(/=(.*)/s, 2) as [string, string])),
    );
  return new Map(units.map((unit) => [unit.Id, unit]));
}
