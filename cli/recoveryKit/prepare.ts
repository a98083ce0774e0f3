import type { Kit } from "./kit";
import { block, code, lines, table } from "./markdown";
import type { Secret } from "./secrets";
import { word, writeText } from "./shell";

/** Functions of the scripts beside it. */
const FUNCTIONS = `newline='
'
# secret VARIABLE FILE: exports the text of a file without the line break at its end. Without the file, the program asks.
secret() {
  [ -e "$kit/secrets/$2" ] || return 0
  text=$(cat "$kit/secrets/$2"; echo .)
  text=\${text%.}
  export "$1=\${text%"$newline"}"
}
# login FILE: makes borg log in with that private key, and only to hosts that recovery/pin has verified.
login() {
  [ -e "$kit/secrets/$1" ] || { echo "$kit/secrets/$1 is missing: put the private key there (step 1)" >&2; exit 1; }
  chmod 600 "$kit/secrets/$1"
  export BORG_RSH="ssh -F /dev/null -i '$kit/secrets/$1' -o IdentitiesOnly=yes -o IdentityAgent=none -o StrictHostKeyChecking=yes -o UserKnownHostsFile='\\"$kit/known_hosts\\"' -o GlobalKnownHostsFile=/dev/null"
}`;

/** Verifies a host: of the keys that it presents, those with an expected fingerprint are accepted. */
const PIN = `#!/bin/sh
# recovery/pin HOST PORT FINGERPRINT...
host=$1 port=$2
shift 2
kit=$(cd "$(dirname "$0")" && pwd)
ssh-keyscan -p "$port" -- "$host" 2>/dev/null | while read -r line; do
  seen=$(printf '%s\\n' "$line" | ssh-keygen -lf - | cut -d ' ' -f 2)
  case " $* " in *" $seen "*) printf '%s\\n' "$line" ;; esac
done > "$kit/found"
if [ -s "$kit/found" ]; then cat "$kit/found" >> "$kit/known_hosts"; echo "$host is verified"
else echo "$host shows none of the expected host keys, or does not answer: send it nothing" >&2; exit 1; fi`;

/** Step 1: a folder with the secrets, and two scripts. */
export function prepare({ secrets, repositories }: Kit, withSecrets: boolean): string[] {
  const programs = [
    ...(repositories.some(({ format }) => /^borg/i.test(format)) ? ["`borg`"] : []),
    ...(repositories.some(({ format }) => format === "restic") ? ["`restic`"] : []),
    "`ssh`",
  ];
  return [
    "## 1. Prepare",
    `Any machine with ${programs.join(", ")} will do. For step 3, open the terminal in the folder of the Pulumi program. Copy the blocks one by one into the same terminal. ` +
      "They write into a new folder `recovery`, and step 4 removes it.",
    block(
      "sh",
      [
        "umask 077",
        "unset HISTFILE                              # keeps secrets out of the shell's history",
        "mkdir -p recovery/secrets && chmod 700 recovery recovery/secrets",
        "printf '*\\n' > recovery/.gitignore",
        writeText("recovery/functions.sh", FUNCTIONS),
        writeText("recovery/pin", PIN),
        "chmod 700 recovery/pin",
      ].join("\n"),
    ),
    ...(withSecrets ? writtenSecrets(secrets.all) : listedSecrets(secrets.all)),
  ];
}

function writtenSecrets(secrets: Secret[]): string[] {
  const held = secrets.filter(({ value }) => value !== undefined);
  if (held.length === 0) return [];
  return [
    "### Secrets",
    ...held.flatMap(({ file, what, value }) => [
      `${what[0]?.toUpperCase()}${what.slice(1)}:`,
      block("sh", writeText(`recovery/secrets/${file}`, value ?? "")),
    ]),
  ];
}

function listedSecrets(secrets: Secret[]): string[] {
  if (secrets.length === 0) return [];
  const commands = secrets.flatMap(({ commands }) => commands);
  return [
    "### Secrets",
    "This kit holds none. Put each one that you need into its file, with a line break at its end. Every place has the same secret.",
    table(
      ["file", "secret", "where it is"],
      secrets.map(({ file, what, places }) => [code(`recovery/secrets/${file}`), what, lines(places)]),
    ),
    ...(commands.length > 0
      ? ["A machine that still runs has its own. These commands read them:", block("text", commands.join("\n"))]
      : []),
  ];
}

/** A file of the folder with a program in it. */
export function script(name: string, content: string): string {
  const path = `recovery/${name}`;
  return `${writeText(path, content)}\nchmod 700 ${word(path)}`;
}
