import type { Machine } from "./host/machine";
import { mustRun } from "./host/mustRun";
import { observe } from "./host/observation";
import { quote } from "./host/shell";
import { jobNames } from "./plan";

/**
 * Takes the job off its host: schedule first, manifest last, so that an interrupted deletion can be repeated.
 * Packages, the repository, and a job of another instance stay.
 */
export async function remove(machine: Machine, name: string, user: string, instance: string): Promise<void> {
  const names = jobNames(name, user);
  const { manifest } = await observe(machine, names, user);
  if (manifest?.instance !== instance) return;
  const { service, timer, servicePath, timerPath, serviceDropIns, timerDropIns, timerStamp, cronPath } = names;
  const script = `if [ -d /run/systemd/system ]; then
systemctl disable --quiet --now ${timer} 2>/dev/null; systemctl stop ${service} 2>/dev/null
fi
rm -f ${[cronPath, servicePath, timerPath, timerStamp].map(quote).join(" ")} || exit
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
