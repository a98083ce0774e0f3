import type { Kit, Repository } from "./kit";
import { block, code, lines, table } from "./markdown";
import { script } from "./prepare";
import { word } from "./shell";

/** Step 2: one section per repository. */
export function restore({ repositories }: Kit): string[] {
  const sections = repositories.flatMap((each) => [...facts(each), ...commands(each)]);
  return [
    "## 2. Restore files",
    ...(sections.length > 0
      ? ["Restored files go to the folder `restored`. As root, they get their owners back too.", ...sections]
      : ["There is no repository."]),
  ];
}

function facts(repository: Repository): string[] {
  const { title, id, format, region, borgVersion, address, server, encryption, users, resources } = repository;
  const about = [format, region && `region ${code(region)}`, borgVersion && `borg ${code(borgVersion)}`];
  const rows: [string, string | undefined][] = [
    ["id at BorgBase", id && code(id)],
    ["kind", about.filter(Boolean).join(", ")],
    ["address", code(address)],
    ["host, port", server && `${code(server.host)}, ${server.port}`],
    ["host keys", server && hostKeys(repository)],
    [
      "encryption",
      isBorg(repository)
        ? encryption
          ? code(encryption)
          : "unknown to Pulumi; borg asks for what it needs"
        : undefined,
    ],
    ["passphrase", passphrase(repository)],
    ["keys", loginKeys(repository)],
    ["backed up by", users.length > 0 ? lines(users) : undefined],
    ["in Pulumi", resources.length > 0 ? lines(resources) : "not managed by the stack"],
  ];
  const given = rows.flatMap(([name, value]) => (value ? [[name, value]] : []));
  return [`### ${code(title)}${id ? ` (${code(id)})` : ""}`, table(["", ""], given)];
}

function hostKeys({ server }: Repository): string | undefined {
  const all = [...(server?.lines ?? []), ...(server?.fingerprints ?? [])];
  return all.length > 0 ? lines(all.map(code)) : "unknown: ask whoever runs the host";
}

function passphrase({ passphrase, format, name }: Repository): string | undefined {
  if (!/^(borg|restic)/i.test(format)) return undefined;
  if (passphrase) return lines(passphrase.places);
  return `unknown to Pulumi: whoever set the backups up has it. The commands ask for it, or read it from ${code(`recovery/secrets/${name}.passphrase`)}`;
}

function loginKeys({ keys, key, format }: Repository): string | undefined {
  if (format === "restic") return undefined;
  const rows = keys.map(
    ({ title, fingerprint, may }) => `${code(title)}: ${may}${fingerprint && `, ${code(fingerprint)}`}`,
  );
  if (key) rows.push(`private half: ${code(`recovery/secrets/${key.file}`)}`);
  return rows.length > 0 ? lines(rows) : "none is registered";
}

function isBorg({ format }: Repository): boolean {
  return /^borg1?$/i.test(format);
}

function commands(repository: Repository): string[] {
  if (repository.format.toLowerCase() === "restic") return withRestic(repository);
  if (isBorg(repository) && repository.server !== undefined) return withBorg(repository);
  return [`This kit has no commands for the format ${code(repository.format)}: see the address above.`];
}

function withBorg(repository: Repository): string[] {
  const { name, title, address, key, remotePath, repositoryKey } = repository;
  const borg = `borg-${name}`;
  const file = key?.file ?? `${name}.key`;
  const wrapper = [
    "#!/bin/sh",
    `# borg with the repository ${title.replace(/\s+/g, " ")}`,
    'kit=$(cd "$(dirname "$0")" && pwd)',
    '. "$kit/functions.sh"',
    `login ${word(file)}`,
    `secret BORG_PASSPHRASE ${word(repository.passphrase?.file ?? `${name}.passphrase`)}`,
    `export BORG_REPO=${word(address)}`,
    ...(remotePath ? [`export BORG_REMOTE_PATH=${word(remotePath)}`] : []),
    `export BORG_BASE_DIR="$kit/cache/${name}"`,
    'exec borg "$@"',
  ].join("\n");
  return [
    ...(key
      ? []
      : [
          `No private key of this repository is known. Put one into ${code(`recovery/secrets/${file}`)}. Is there none any more? ` +
            "Make one with `ssh-keygen`, register it in the web console of BorgBase, and give it to the repository.",
        ]),
    block("sh", [...verify(repository), script(borg, wrapper), `recovery/${borg} list`].join("\n")),
    "The newest archive, whole:",
    block(
      "sh",
      [
        `mkdir -p restored/${name}`,
        `archive=$(recovery/${borg} list --short --last 1)`,
        `(cd restored/${name} && ../../recovery/${borg} extract --list "::$archive")`,
      ].join("\n"),
    ),
    "Another archive of the list, or a part of it:",
    block("text", `(cd restored/${name} && ../../recovery/${borg} extract "::ARCHIVE" etc/hosts)`),
    ...(repositoryKey
      ? [
          "Only if borg reports that the repository's key is missing or damaged:",
          block("text", `recovery/${borg} key import :: recovery/secrets/${word(repositoryKey.file)}`),
        ]
      : []),
  ];
}

function verify({ server }: Repository): string[] {
  if (server === undefined) return [];
  if (server.lines.length > 0) {
    return server.lines.map((line) => `printf '%s\\n' ${word(line)} >> recovery/known_hosts`);
  }
  if (server.fingerprints.length > 0) {
    return [`recovery/pin ${word(server.host)} ${server.port} ${server.fingerprints.map(word).join(" ")}`];
  }
  const scan = `ssh-keyscan -p ${server.port} -- ${word(server.host)}`;
  return [`${scan} | tee -a recovery/known_hosts | ssh-keygen -lf -    # compare before you go on`];
}

function withRestic({ name, title, address, url }: Repository): string[] {
  const restic = `restic-${name}`;
  const file = url?.file ?? `${name}.url`;
  const wrapper = [
    "#!/bin/sh",
    `# restic with the repository ${title.replace(/\s+/g, " ")}`,
    'kit=$(cd "$(dirname "$0")" && pwd)',
    '. "$kit/functions.sh"',
    `[ -e "$kit/secrets/${file}" ] || { echo "$kit/secrets/${file} is missing: put the address with its password there (step 1)" >&2; exit 1; }`,
    `secret RESTIC_REPOSITORY ${word(file)}`,
    `secret RESTIC_PASSWORD ${word(`${name}.passphrase`)}`,
    `export RESTIC_CACHE_DIR="$kit/cache/${name}"`,
    'exec restic "$@"',
  ].join("\n");
  return [
    `${code(`recovery/secrets/${file}`)} is the address with the password of the server: ${code(address.replace("@", ":PASSWORD@"))}. The web console of BorgBase shows it. ` +
      "restic's own password is the passphrase above.",
    block("sh", [script(restic, wrapper), `recovery/${restic} snapshots`].join("\n")),
    "The newest snapshot, whole:",
    block("sh", `recovery/${restic} restore latest --target restored/${name}`),
  ];
}
