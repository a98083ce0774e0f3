import { ProviderError } from "../errors";
import { printable } from "../ssh/error";
import type { Machine } from "./host/machine";
import { mustRun } from "./host/mustRun";
import { quote } from "./host/shell";
import { jobNames } from "./plan";

export interface BackupStatus {
  /** Start of the last run, ISO 8601. Undefined: none is known. */
  lastRun?: string;
  /** Undefined: no run has ended that the host knows of. */
  lastResult?: "success" | "failure";
  /** Next run of the timer, ISO 8601. Undefined without a timer; cron names none. */
  nextRun?: string;
  running: boolean;
  /** Last words of a failed run. */
  reason?: string;
}

/** What the host knows of a job's runs. The repository is not contacted. */
export async function backupStatus(machine: Machine, name: string): Promise<BackupStatus> {
  const names = jobNames(name, "root");
  const script = `[ -e ${quote(names.manifest)} ] || { echo none; exit 0; }
TZ=UTC; export TZ
if [ -e ${quote(names.servicePath)} ]; then
systemctl show ${names.service} -p ActiveState -p Result -p ExecMainStartTimestamp -p ExecMainExitTimestamp -p InvocationID
systemctl show ${names.timer} -p NextElapseUSecRealtime -p LastTriggerUSec
journalctl UNIT=${names.service} JOB_TYPE=start --since "@$(stat -c %Y ${quote(names.privateKey)})" -n 2 -o json --output-fields=JOB_RESULT --no-pager 2>/dev/null | sed 's/^/job=/'
i=$(systemctl show ${names.service} -p InvocationID | cut -d= -f2)
echo "log=$(journalctl _SYSTEMD_INVOCATION_ID="$i" -n 20 -o cat --no-pager 2>/dev/null | base64 | tr -d '\\n')"
elif [ -e ${quote(names.lastStatus)} ]; then
echo "status=$(cat ${quote(names.lastStatus)})"; echo "ended=$(stat -c %Y ${quote(names.lastStatus)})"
fi`;
  const lines = (await mustRun(machine, script, "read the state of the job")).split("\n");
  if (lines[0] === "none") {
    throw new ProviderError(
      "notFound",
      `There is no job ${name} on ${machine.address}: ${names.folder} has no manifest.`,
    );
  }
  const found = new Map(lines.map((line) => line.split(/=(.*)/s, 2) as [string, string]));
  if (!found.has("ActiveState")) return cronStatus(found);
  if (timeOf(found.get("ExecMainStartTimestamp")) !== undefined) return unitStatus(found);
  const entries = lines.filter((line) => line.startsWith("job=")).map((line) => JSON.parse(line.slice("job=".length)));
  return forgottenUnitStatus(found, entries);
}

function unitStatus(found: ReadonlyMap<string, string>): BackupStatus {
  const running = ["activating", "active", "deactivating"].includes(found.get("ActiveState") ?? "");
  const lastRun = timeOf(found.get("ExecMainStartTimestamp"));
  const nextRun = timeOf(found.get("NextElapseUSecRealtime"));
  const hasEnded = !running && timeOf(found.get("ExecMainExitTimestamp")) !== undefined;
  const failed = found.get("Result") !== "success";
  const log = lastWords(Buffer.from(found.get("log") ?? "", "base64").toString("utf8"));
  return {
    ...(lastRun && { lastRun }),
    ...(hasEnded && { lastResult: failed ? "failure" : "success" }),
    ...(nextRun && { nextRun }),
    running,
    ...(hasEnded && failed && { reason: log || `systemd calls it ${found.get("Result")}` }),
  };
}

/** An entry of systemd's journal about a job: its start, or its end, which has a result. */
interface JobEntry {
  /** Microseconds since 1970. */
  __REALTIME_TIMESTAMP: string;
  JOB_RESULT?: string;
}

/** systemd forgets a service at a boot, and one without a timer as soon as it has succeeded. Its journal has the last job. */
function forgottenUnitStatus(found: ReadonlyMap<string, string>, entries: JobEntry[]): BackupStatus {
  const [start] = entries;
  const result = entries.at(-1)?.JOB_RESULT;
  const seconds = Math.floor(Number(start?.__REALTIME_TIMESTAMP) / 1e6);
  const lastRun = start ? new Date(seconds * 1000).toISOString() : timeOf(found.get("LastTriggerUSec"));
  const nextRun = timeOf(found.get("NextElapseUSecRealtime"));
  return {
    ...(lastRun && { lastRun }),
    ...(result !== undefined && { lastResult: result === "done" ? "success" : "failure" }),
    ...(nextRun && { nextRun }),
    running: found.get("ActiveState") === "activating",
    ...(result !== undefined && result !== "done" && { reason: `systemd calls it ${result}` }),
  };
}

/** The end of a log, without what borgmatic puts around the reason: levels, headings and its own command line. */
function lastWords(log: string): string {
  const lines = log.split("\n").map((line) => line.trim().replace(/^(CRITICAL|ERROR):? ?/, ""));
  const reasons = lines.filter((line) => line !== "" && !HEADING.test(line));
  return printable([...new Set(reasons)].join(" ")).slice(-500);
}

/** Text around the reason, as borgmatic 1.7 to 2.0 prints it. */
const HEADING =
  /Command '.*' returned non-zero exit status|^Need some help|An error occurred$|^summary:$|^Error running actions for repository$/;

/** cron keeps no log of its own: the job leaves its exit status in a file, whose time is the end of the run. */
function cronStatus(found: ReadonlyMap<string, string>): BackupStatus {
  const status = found.get("status");
  if (status === undefined) return { running: false };
  const lastRun = new Date(Number(found.get("ended")) * 1000).toISOString();
  if (status === "0") return { lastRun, lastResult: "success", running: false };
  return {
    lastRun,
    lastResult: "failure",
    running: false,
    reason: `borgmatic ended with ${status}; its log is in syslog`,
  };
}

/** A time of systemd in UTC: `Thu 2026-11-26 05:00:00 UTC`. */
function timeOf(text: string | undefined): string | undefined {
  const [, day, time] = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)/.exec(text ?? "") ?? [];
  return day === undefined ? undefined : `${day}T${time}.000Z`;
}
