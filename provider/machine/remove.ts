import type { Machine } from "./host/machine";
import { mustRun } from "./host/mustRun";
import { observe } from "./host/observation";
import { quote, stagedPath } from "./host/shell";
import { type JobNames, jobNames } from "./plan";

/**
 * Takes the job off its host: schedule first, manifest last, so that an interrupted deletion can be repeated.
 * Packages, the repository, and a job of another instance stay.
 */
export async function remove(machine: Machine, name: string, user: string, instance: string): Promise<void> {
  const names = jobNames(name, user);
  const { manifest } = await observe(machine, names, user);
  if (manifest?.instance !== instance) return;
  const { service, timer, servicePath, timerPath, serviceDropIns, timerDropIns, timerStamp, cronPath } = names;
  const files = [cronPath, servicePath, timerPath].flatMap((path) => [path, stagedPath(path), `${path}.draft`]);
  const script = `if [ -d /run/systemd/system ]; then
systemctl disable --quiet --now ${timer} 2>/dev/null; systemctl stop ${service} 2>/dev/null
fi
rm -f ${[...files, timerStamp].map(quote).join(" ")} || exit
${stopRuns(names)}
rm -rf ${[serviceDropIns, timerDropIns].map(quote).join(" ")} || exit
if [ -d /run/systemd/system ]; then
systemctl daemon-reload || exit; systemctl reset-failed ${service} ${timer} 2>/dev/null
fi
rm -rf ${quote(names.stateFolder)} || exit
find ${quote(names.folder)} -mindepth 1 ! -path ${quote(names.manifest)} -exec rm -rf {} + || exit
rm -rf ${quote(names.folder)} || exit
rmdir ${quote(names.root)} 2>/dev/null
[ -n "$(find ${quote(names.stateRoot)} -mindepth 1 -maxdepth 1 ! -name 'lock-*' 2>/dev/null)" ] || {
rm -f ${quote(names.stateRoot)}/lock-*; rmdir ${quote(names.stateRoot)} 2>/dev/null
}
:`;
  await mustRun(machine, script, "remove the job");
}

/**
 * Stops a backup that no unit runs, as systemd stops that of a unit: cron and people start process groups of their own.
 * borg gives its lock back within a second; nobody waits for it longer than half a minute.
 */
function stopRuns({ config }: JobNames): string {
  return `groups=
for c in /proc/[0-9]*/cmdline; do
tr '\\0' ' ' 2>/dev/null < "$c" | grep -qF -e ${quote(`--config ${config} `)} || continue
g=$(sed 's/.*) //' "\${c%cmdline}stat" 2>/dev/null | cut -d ' ' -f 3)
case " $groups " in *" $g "*) continue ;; esac
[ "\${g:-0}" -gt 1 ] && groups="$groups $g" && kill -s TERM -- "-$g" 2>/dev/null
done
for g in $groups; do
i=0; while kill -s 0 -- "-$g" 2>/dev/null && [ $i -lt 30 ]; do i=$((i+1)); sleep 1; done
done`;
}
