import { CWD, defineCommand, STACK } from "../command";
import { assertFolder } from "../stack";
import { withProgress } from "../terminal";
import { accountChecks } from "./account";
import { type Check, type Finding, runChecks } from "./finding";
import { interruptedRunChecks } from "./interruptedRuns";
import { machineChecks } from "./machine";
import { programChecks } from "./program";
import { report } from "./report";
import { openScene } from "./scene";
import { serverChecks } from "./servers";
import { stateChecks } from "./state";

export default defineCommand({
  usage: "pulumi-borgbase doctor [OPTIONS]",
  about: `Says what is missing or wrong on this machine, in the stack and in the account, and what to do about it. Only reads: no
file, state or object changes. It sends queries to the API, and connects to the repositories' servers without a login.
Outside a project it checks the machine and the account of BORGBASE_TOKEN.`,
  options: {
    stack: STACK,
    cwd: CWD,
    json: { type: "boolean", default: false, help: "Print one JSON document instead of lines" },
  },
  notes: "Exit codes: 0 no problem, 2 a problem to solve, 1 failed, 64 wrong command line. Warnings are no problem.",
  example: "pulumi-borgbase doctor --stack prod",
  run: async ({ stack, cwd, json }) => {
    assertFolder(cwd);
    const scene = openScene(cwd, stack);
    const groups: [string, Check[]][] = [
      ["Machine", machineChecks()],
      ["Program", programChecks(scene)],
      ["Account", accountChecks(scene)],
      ["Stack", [...stateChecks(scene), ...interruptedRunChecks(scene)]],
      ["Servers", serverChecks(scene)],
    ];
    const checks = groups.flatMap(([, each]) => each);
    const findings = await withProgress("Checking", (step) =>
      runChecks(checks, (remaining) => step(`Checking: ${remaining} of ${checks.length} left`)),
    );
    const status = findings.some((each) => each.status === "problem") ? "problem" : "ok";
    if (json) process.stdout.write(`${JSON.stringify({ status, findings }, null, 2)}\n`);
    else process.stdout.write(report(groups.map(([title, each]) => ({ title, findings: findingsOf(each, findings) }))));
    return status === "problem" ? 2 : 0;
  },
});

function findingsOf(checks: Check[], findings: Finding[]): Finding[] {
  return findings.filter(({ check }) => checks.some(({ name }) => name === check));
}
