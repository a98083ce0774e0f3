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
  systemd: number | undefined;
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

/** Observes a host and a job in one round trip. Changes nothing. */
export async function observe(machine: Machine, names: JobNames, user: string): Promise<Observation> {
  const { output } = await machine.run(observationScript(names, user), { purpose: "observe the job" });
  return parseObservation(output.toString("utf8"), names);
}

function observationScript(names: JobNames, user: string): string {
  const texts = textsOf(names);
  const paths = [
    ...[names.root, names.folder, names.manifest, names.config, names.privateKey, names.passphrase],
    ...[names.knownHosts, names.wrapper, names.stateRoot, names.stateFolder, names.lock, names.servicePath],
    ...[names.serviceDropIns, names.timerPath, names.timerDropIns, names.cronPath, stagedPath(names.passphrase)],
  ];
  const properties = UNIT_PROPERTIES.map((each) => `-p ${each}`).join(" ");
  // Few processes: hosts are small, and each refresh observes them.
  // Not `command -v`: the shell of BusyBox may answer it without a path.
  return `w() { p=; o=$IFS; IFS=:; for d in $PATH; do [ -f "$d/$1" ] && [ -x "$d/$1" ] && { p=$d/$1; break; }; done; IFS=$o; [ "$p" ]; }
echo "who $(id -u) $(uname -sn)"
(. /etc/os-release 2>/dev/null; echo "os \${ID:-unknown} \${VERSION_ID:-unknown}")
read -r i 2>/dev/null < /etc/machine-id && echo "machine $i"
for c in ${COMMANDS.join(" ")}; do w "$c" && echo "command $c $p"; done
w flock && case $("$p" --help 2>&1) in *--timeout*) echo "limit yes";; esac
m=$(cat ${quote(names.manifest)} 2>/dev/null)
for c in borg borgmatic; do
  w "$c" || continue; s="$c $p $(stat -L -c '%Y %s %i' "$p")"
  echo "command $c $p"; echo "signature $s"
  case $m in *""$s""*) ;; *) v=$("$c" --version 2>/dev/null) && echo "version $c \${v##* }";; esac
done
[ -d /run/systemd/system ] && { set -- $(systemctl --version); echo "systemd $2"; }
w=${names.root}; while [ ! -e "$w" ]; do w=$(dirname "$w"); done; [ -w "$w" ] && echo "writable yes"
l=$(grep "^"${quote(user)}":" /etc/passwd || getent passwd ${quote(user)}) && { echo "passwd $l"; echo "group $(id -gn ${quote(user)})"; }
set --
for f in ${paths.map(quote).join(" ")}; do
  if [ -L "$f" ]; then echo "link $f"
  elif [ -d "$f" ]; then echo "names $f"; ls -A "$f" | base64; set -- "$@" "$f"
  elif [ -f "$f" ]; then set -- "$@" "$f"
  elif [ -e "$f" ]; then echo "other $f"
  fi
done
[ $# -eq 0 ] || { stat -c 'entry %n %f %U %G' "$@"; sha256sum "$@" 2>/dev/null; }
for f in ${texts.map(quote).join(" ")}; do [ -f "$f" ] && { echo "text $f"; base64 < "$f"; }; done
[ -d /run/systemd/system ] && systemctl show ${quote(names.timer)} ${quote(names.service)} ${properties} 2>/dev/null | sed 's/^/unit /'
:`;
}

function parseObservation(text: string, names: JobNames): Observation {
  const lines = text.split("\n").map((line) => line.split(" "));
  const all = (kind: string) => lines.filter(([first]) => first === kind).map(([, ...words]) => words);
  const one = (kind: string) => all(kind)[0];
  const contents = contentsIn(lines);
  const [passwd, group] = [one("passwd")?.join(" ") ?? "", one("group")?.join(" ") ?? ""];
  const [name, , , , , home = ""] = passwd.split(":");
  const manifest = readManifest(contents.get(`text ${names.manifest}`));
  const signatures = Object.fromEntries(all("signature").map((words) => [words[0], words.join(" ")]));
  const found = Object.fromEntries(all("version").map(([program, version]) => [program, version]));
  const version = (program: "borg" | "borgmatic") =>
    signatures[program] === undefined ? undefined : (found[program] ?? manifest?.versions?.[program]);
  const units = unitsIn(all("unit").map((words) => words.join(" ")));
  const [uid, system = "", hostname = ""] = one("who") ?? [];
  return {
    uid: Number(uid),
    os: { system, id: one("os")?.[0] ?? "", version: one("os")?.[1] ?? "" },
    hostname,
    machineId: one("machine")?.[0] ?? hostname,
    systemd: one("systemd") && Number.parseInt(one("systemd")?.[0] ?? "", 10),
    commands: Object.fromEntries(all("command")),
    flockHasLimit: one("limit") !== undefined,
    versions: { borg: version("borg"), borgmatic: version("borgmatic") },
    signatures: { borg: signatures.borg, borgmatic: signatures.borgmatic },
    writable: one("writable") !== undefined,
    account: name ? { name, group, home } : undefined,
    entries: entriesIn(lines, contents),
    manifest,
    timer: units.get(names.timer) ?? {},
    service: units.get(names.service) ?? {},
  };
}

/** Texts by the line before them. They are in base64, whose lines hold no blank, unlike all others. */
function contentsIn(lines: readonly string[][]): ReadonlyMap<string, string> {
  const encoded = new Map<string, string>();
  let current = "";
  for (const words of lines) {
    if (words.length > 1) current = words.join(" ");
    encoded.set(current, (encoded.get(current) ?? "") + (words.length > 1 ? "" : words[0]));
  }
  return new Map([...encoded].map(([line, content]) => [line, Buffer.from(content, "base64").toString("utf8")]));
}

function entriesIn(lines: readonly string[][], contents: ReadonlyMap<string, string>): Map<string, Entry> {
  const hashed = lines.filter(([first = ""]) => /^[0-9a-f]{64}$/.test(first));
  const hashes = new Map(hashed.map(([sha256 = "", , path = ""]) => [path, sha256]));
  const entries = new Map<string, Entry>();
  for (const [kind, path = "", raw = "", owner = "", group = ""] of lines) {
    if (kind === "link" || kind === "other") entries.set(path, { kind });
    if (kind !== "entry") continue;
    const mode = Number.parseInt(raw, 16) & 0o7777;
    const names = contents.get(`names ${path}`);
    if (names !== undefined) {
      entries.set(path, { kind: "folder", mode, owner, group, names: names.split("\n").filter(Boolean) });
    } else {
      const sha256 = hashes.get(path) ?? "";
      entries.set(path, { kind: "file", mode, owner, group, sha256, text: contents.get(`text ${path}`) });
    }
  }
  return entries;
}

/** Units by name. A blank line stands between them. */
function unitsIn(lines: readonly string[]): ReadonlyMap<string | undefined, UnitState> {
  const blocks = lines.join("\n").split("\n\n");
  const units = blocks.map(
    (block): UnitState =>
      Object.fromEntries(block.split("\n").map((line) => line.split(/=(.*)/s, 2) as [string, string])),
  );
  return new Map(units.map((unit) => [unit.Id, unit]));
}
