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
  ...["LoadState", "UnitFileState", "ActiveState", "DropInPaths", "NeedDaemonReload", "Result", "ExecMainStatus"],
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
  const show = (kind: string, unit: string) =>
    `systemctl show ${quote(unit)} ${UNIT_PROPERTIES.map((each) => `-p ${each}`).join(" ")} 2>/dev/null | sed 's/^/${kind} /'`;
  // One process for all files: hosts are small, and each refresh observes them.
  // Not `command -v`: the shell of BusyBox may answer it without a path.
  return `b() { base64 | tr -d '\\n'; }
w() (IFS=:; for d in $PATH; do [ -f "$d/$1" ] && [ -x "$d/$1" ] && { echo "$d/$1"; exit; }; done; exit 1)
echo "who $(id -u) $(uname -s)"
(. /etc/os-release 2>/dev/null; echo "os \${ID:-unknown} \${VERSION_ID:-unknown}")
echo "hostname $(uname -n)"
read -r m 2>/dev/null < /etc/machine-id && echo "machine $m"
for c in ${COMMANDS.join(" ")}; do p=$(w "$c") && echo "command $c $p"; done
p=$(w flock) && "$p" --help 2>&1 | grep -q -e --timeout && echo "limit"
for c in borg borgmatic; do
  p=$(w "$c") || continue; s="$c $p $(stat -L -c '%Y %s %i' "$p")"
  echo "command $c $p"; echo "signature $s"
  grep -qF "\\"$s\\"" ${quote(names.manifest)} 2>/dev/null || { v=$("$c" --version 2>/dev/null) && echo "version $c \${v##* }"; }
done
[ -d /run/systemd/system ] && { set -- $(systemctl --version); echo "systemd $2"; }
w=${names.root}; while [ ! -e "$w" ]; do w=$(dirname "$w"); done; [ -w "$w" ] && echo "writable"
l=$(grep "^"${quote(user)}":" /etc/passwd || getent passwd ${quote(user)}) && echo "account $(printf %s "$l" | b) $(id -gn ${quote(user)} | b)"
set --
for f in ${paths.map(quote).join(" ")}; do
  if [ -L "$f" ]; then echo "link $f"
  elif [ -d "$f" ]; then echo "names $f $(ls -A "$f" | b)"; stat -c 'folder %n %a %U %G' "$f"
  elif [ -f "$f" ]; then set -- "$@" "$f"
  elif [ -e "$f" ]; then echo "other $f"
  fi
done
[ $# -eq 0 ] || { stat -c 'file %n %a %U %G' "$@"; sha256sum "$@" | sed 's/^/hash /'; }
for f in ${texts.map(quote).join(" ")}; do [ -f "$f" ] && echo "text $f $(b < "$f")"; done
if [ -d /run/systemd/system ]; then ${show("timer", names.timer)}; ${show("service", names.service)}; fi
:`;
}

function parseObservation(text: string, names: JobNames): Observation {
  const lines = text.split("\n").map((line) => line.split(" "));
  const all = (kind: string) => lines.filter(([first]) => first === kind).map(([, ...words]) => words);
  const one = (kind: string) => all(kind)[0];
  const texts = new Map(all("text").map(([path, content]) => [path, decode(content)]));
  const entries = new Map<string, Entry>();
  const hashes = new Map(all("hash").map(([sha256 = "", , path = ""]) => [path, sha256]));
  for (const [path = "", mode = "", owner = "", group = ""] of all("file")) {
    const sha256 = hashes.get(path) ?? "";
    entries.set(path, { kind: "file", mode: Number.parseInt(mode, 8), owner, group, sha256, text: texts.get(path) });
  }
  const lists = new Map(all("names").map(([path, list]) => [path, decode(list)]));
  for (const [path = "", mode = "", owner = "", group = ""] of all("folder")) {
    const names = (lists.get(path) ?? "").split("\n").filter(Boolean);
    entries.set(path, { kind: "folder", mode: Number.parseInt(mode, 8), owner, group, names });
  }
  for (const kind of ["link", "other"] as const) for (const [path = ""] of all(kind)) entries.set(path, { kind });
  const [passwd, group] = one("account") ?? [];
  const [name, , , , , home] = decode(passwd).split(":");
  const manifest = readManifest(texts.get(names.manifest));
  const signatures = Object.fromEntries(all("signature").map((words) => [words[0], words.join(" ")]));
  const found = Object.fromEntries(all("version").map(([program, version]) => [program, version]));
  const version = (program: "borg" | "borgmatic") =>
    signatures[program] === undefined ? undefined : (found[program] ?? manifest?.versions?.[program]);
  const unit = (kind: string) =>
    Object.fromEntries(all(kind).map((words) => words.join(" ").split(/=(.*)/s, 2) as [string, string]));
  return {
    uid: Number(one("who")?.[0]),
    os: { system: one("who")?.[1] ?? "", id: one("os")?.[0] ?? "", version: one("os")?.[1] ?? "" },
    hostname: one("hostname")?.[0] ?? "",
    machineId: one("machine")?.[0] ?? one("hostname")?.[0] ?? "",
    systemd: one("systemd") && Number.parseInt(one("systemd")?.[0] ?? "", 10),
    commands: Object.fromEntries(all("command")),
    flockHasLimit: one("limit") !== undefined,
    versions: { borg: version("borg"), borgmatic: version("borgmatic") },
    signatures: { borg: signatures.borg, borgmatic: signatures.borgmatic },
    writable: one("writable") !== undefined,
    account: name ? { name, group: decode(group).trim(), home: home ?? "" } : undefined,
    entries,
    manifest,
    timer: unit("timer"),
    service: unit("service"),
  };
}

function decode(text: string | undefined): string {
  return Buffer.from(text ?? "", "base64").toString("utf8");
}
