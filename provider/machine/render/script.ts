import { readPins } from "../../ssh/connection/hostKeyPins";
import type { Plan } from "../plan";
import { serverOf } from "../serverKeys";
import { installLines } from "./install";
import { FUNCTIONS, fileLines, folderLine, ownership, word } from "./shell";

export interface ScriptJob {
  name: string;
  user: string;
  repository: string;
  repositoryHostKeys: string[];
  encryption: string;
  initialize: boolean;
  install: boolean;
  startsNow: boolean;
  /** Plans for systemd and for cron; one of them where the scheduler is fixed. */
  plans: { systemd?: Plan; cron?: Plan };
}

/** The script that sets a job up, the same steps in the same order as a deployment. */
export function renderScript(job: ScriptJob): string {
  const { name, user, plans } = job;
  const plan = (plans.systemd ?? plans.cron) as Plan;
  const { names } = plan;
  const config = plan.files.find(({ path }) => path === names.config) as Plan["files"][number];
  const passphrase = plan.files.find(({ path }) => path === names.passphrase) as Plan["files"][number];
  const others = plan.files.filter((file) => ![config, passphrase].includes(file) && file.path !== names.knownHosts);
  const parts = [
    "#!/bin/sh",
    `# Sets up the backup job ${name}. Run it as root; it can be run again. It holds secrets.`,
    "set -eu",
    "umask 077",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "export PATH",
    `job=${name}`,
    FUNCTIONS,
    `[ "$(id -u)" = 0 ] || fail 'must be run as root'`,
    `[ ! -e ${names.manifest} ] || fail 'is managed by a BackupJob of Pulumi: ${names.manifest} is there'`,
    `id ${user} > /dev/null 2>&1 || fail 'there is no account ${user}'`,
    `group=$(id -gn ${user})`,
    ...(job.install ? installLines() : []),
    ...["borg", "borgmatic", "ssh", "flock"].map(commandLine),
    "flock --help 2>&1 | grep -q -e --timeout || fail 'needs the flock of util-linux, as that of BusyBox knows no -w'",
    ...plan.folders.map(folderLine),
    `[ -e ${names.lock} ] || : > ${names.lock}`,
    `chown ${ownership(plan.lock.owner, plan.lock.group)} ${names.lock}`,
    ...others.map((file) => fileLines("put", file)),
    ...knownHostsLines(job, plan),
    fileLines("draft", config),
    ...validationLines(names.config),
    fileLines("draft", passphrase),
    ...repositoryLines(job, plan),
    scheduleLines(job),
  ];
  return `${parts.join("\n")}\n`;
}

function commandLine(command: string): string {
  return `command -v ${command} > /dev/null || fail 'needs ${command}, which is not installed'`;
}

/** Keys that the server presents now, of those that the program declares. */
function knownHostsLines({ repository, repositoryHostKeys, user }: ScriptJob, plan: Plan): string[] {
  const server = serverOf(repository);
  const file = plan.names.knownHosts;
  if (server === undefined) return [];
  const { host, port } = server;
  const pins = readPins(host, port, repositoryHostKeys);
  const revoked = pins.filter((pin) => pin.revoked).map(({ fingerprint }) => fingerprint);
  const accepted = pins.map(({ fingerprint }) => fingerprint).filter((each) => !revoked.includes(each));
  const mode = user === "root" ? "600" : "640";
  const group = plan.folders.find(({ path }) => path === plan.names.folder)?.group ?? "root";
  return [
    `accepted=' ${accepted.join(" ")} '`,
    "seen= pinned=",
    `scanned=$(ssh-keyscan -T 15 -p ${port} -t ed25519,ecdsa,rsa ${word(host)} 2> /dev/null) || :`,
    "while read -r line; do",
    '  [ -n "$line" ] || continue',
    `  print=$(printf '%s\\n' "$line" | ssh-keygen -lf - | cut -d ' ' -f 2) || continue`,
    '  seen="$seen $print"',
    `  case "$accepted" in *" $print "*) pinned="$pinned$line`,
    `" ;; esac`,
    "done <<END",
    "$scanned",
    "END",
    `[ -n "$pinned" ] || fail "the server ${host}:${port} presented\${seen:- no host key}, and expected is one of$accepted"`,
    `printf %s "$pinned" | put ${file} ${mode} ${ownership("root", group)}`,
  ];
}

/** The draft of a configuration takes its place only where borgmatic reads it. */
function validationLines(config: string): string[] {
  return [
    "if command -v validate-borgmatic-config > /dev/null; then set -- validate-borgmatic-config --config; else set -- borgmatic config validate --config; fi",
    `problem=$("$@" ${config}.new 2>&1) || fail "borgmatic $(borgmatic --version) does not read the configuration, which was rendered for another version (borgmaticVersion): $problem"`,
    `mv -f ${config}.new ${config}`,
  ];
}

/**
 * A repository is made where none is, and its passphrase is changed where the one of the last run opens it. borg names the
 * reason, and any other one stops the script. No backup starts meanwhile, so none meets a passphrase that is not in force yet.
 */
function repositoryLines({ user, encryption, initialize, repository }: ScriptJob, { names }: Plan): string[] {
  const { passphrase, wrapper, lock } = names;
  const borg = (args: string) =>
    user === "root" ? `${wrapper} ${args}` : `su -s /bin/sh -c '${wrapper} ${args}' ${user}`;
  const missing = initialize
    ? `${borg(`init --encryption ${encryption}`)}`
    : `fail ${word(`there is no repository at ${repository}`)}`;
  return [
    `if [ -e ${passphrase} ] && [ "$(cat ${passphrase})" != "$(cat ${passphrase}.new)" ]; then`,
    `  exec 9< ${lock}`,
    "  flock -w 20 9 || fail 'a backup is running: run the script again when it has ended'",
    `  mv -f ${passphrase} ${passphrase}.old`,
    "fi",
    `mv -f ${passphrase}.new ${passphrase}`,
    `restore() { [ ! -e ${passphrase}.old ] || mv -f ${passphrase}.old ${passphrase}; }`,
    `if ! log=$(${borg("--log-json --bypass-lock list --last 1")} 2>&1 > /dev/null); then`,
    "  case $log in",
    `    *'"Repository.DoesNotExist"'* | *'"Repository.InvalidRepository"'*) ${missing} ;;`,
    `    *'"PassphraseWrong"'*)`,
    `      [ -e ${passphrase}.old ] || fail "the passphrase does not open its repository"`,
    `      mv -f ${passphrase} ${passphrase}.new`,
    "      restore",
    `      BORG_NEW_PASSPHRASE=$(cat ${passphrase}.new)`,
    "      export BORG_NEW_PASSPHRASE",
    `      ${borg("key change-passphrase")} || fail "the passphrase of its repository could not be changed"`,
    "      unset BORG_NEW_PASSPHRASE",
    `      mv -f ${passphrase}.new ${passphrase} ;;`,
    '    *) restore; fail "cannot open its repository: $log" ;;',
    "  esac",
    "fi",
    `rm -f ${passphrase}.old`,
    "exec 9<&-",
  ];
}

function scheduleLines({ plans, startsNow, user }: ScriptJob): string {
  const { systemd, cron } = plans;
  const bySystemd = systemd && systemdLines(systemd, startsNow);
  const byCron = cron && cronLines(cron, startsNow, user);
  if (bySystemd === undefined) return byCron ?? "";
  const otherwise = byCron ?? "fail 'needs systemd, which is not installed'";
  return `if command -v systemctl > /dev/null; then\n${bySystemd}\nelse\n${otherwise}\nfi`;
}

function systemdLines({ names, schedule }: Plan, startsNow: boolean): string {
  const { timer } = schedule;
  // An image that is being built has systemctl and no systemd that runs.
  const running = timer
    ? `systemctl daemon-reload; systemctl restart ${timer}`
    : `systemctl daemon-reload; systemctl stop ${names.timer} 2> /dev/null || :`;
  return [
    ...schedule.files.map((file) => fileLines("put", file)),
    `rm -f ${names.cronPath}${timer ? "" : ` ${names.timerPath}`}`,
    timer ? `systemctl -q enable ${timer}` : `systemctl -q disable ${names.timer} 2> /dev/null || :`,
    `[ ! -d /run/systemd/system ] || { ${running}; }`,
    ...(startsNow ? [`[ ! -d /run/systemd/system ] || systemctl start --no-block ${names.service}`] : []),
  ].join("\n");
}

function cronLines({ names, schedule }: Plan, startsNow: boolean, user: string): string {
  return [
    "[ -d /etc/cron.d ] || fail 'needs systemd, or a cron that reads /etc/cron.d'",
    ...schedule.files.map((file) => fileLines("put", file)),
    ...(schedule.files.length > 0 ? [] : [`rm -f ${names.cronPath}`]),
    ...(startsNow ? [`su -s /bin/sh -c ${word(schedule.command)} ${user} < /dev/null > /dev/null 2>&1 &`] : []),
  ].join("\n");
}
