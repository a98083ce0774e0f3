// The machine's part of the demonstration: a job of this machine, whose own unit backs up. It takes the job away again.
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { which } from "../setup/paths.mjs";
import { Problem } from "../setup/progress.mjs";
import { attempt, show } from "./shell.mjs";

/** The example, with its stack beside that of the quickstart. */
const PULUMI = ["pulumi", "--cwd", "examples/machine"];
const STACK = ["--stack", "demo"];
const UNATTENDED = [...STACK, "--yes", "--skip-preview", "--suppress-progress"];

/** Paths of the job, as docs/machines.md has them. */
const SERVICE = "borgbase-web-1.service";
const TIMER = "borgbase-web-1.timer";
const BORG = "/etc/pulumi-borgbase/web-1/borg";

/** @returns {string[]} what this machine lacks for a job that systemd starts */
function missing() {
  return [
    ...(process.platform === "linux" ? [] : ["Linux"]),
    ...(process.getuid?.() === 0 ? [] : ["root"]),
    ...(existsSync("/run/systemd/system") ? [] : ["systemd"]),
  ];
}

/** @returns {string | undefined} the line for a machine that cannot have a job; undefined where it can */
export function leftOut() {
  const lacks = missing().join(" and ");
  return (
    lacks && `the timer that backs up by itself; this machine lacks ${lacks} for it, and examples/machine shows it`
  );
}

/**
 * Deploys the example on this machine, starts the job's unit, and takes everything away again, whatever happens.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>} what happened, for the summary
 */
export async function backUpThisMachine(env) {
  const stays = which("borgmatic") ? "" : "; the package borgmatic stays";
  const quietly = { env, quiet: true };
  const passphrase = randomBytes(24).toString("base64url");
  await show([...PULUMI, "stack", "select", "--create", ...STACK], quietly);
  await show([...PULUMI, "config", "set", ...STACK, "--secret", "passphrase", passphrase], quietly);
  await show([...PULUMI, "config", "set", ...STACK, "forceDestroy", "true"], quietly);
  try {
    await show([...PULUMI, "up", ...UNATTENDED], { env });
    await show(["systemctl", "start", SERVICE], { env });
    await show(["systemctl", "list-timers", "--no-pager", TIMER], { env });
    const archives = await show([BORG, "list", "--short"], { env });
    return `its own unit backed up ${archives.trim().split("\n").at(-1)}; the job is gone again${stays}`;
  } finally {
    await takeAway(env);
  }
}

/**
 * Leaves the machine as it was, after Ctrl-C too.
 * @param {NodeJS.ProcessEnv} env
 */
async function takeAway(env) {
  const { code } = await attempt([...PULUMI, "destroy", ...UNATTENDED], { env, always: true });
  if (code !== 0) throw new Problem("The job web-1 is still on this machine: `npm start` again takes it away");
  await attempt([...PULUMI, "stack", "rm", ...STACK, "--yes"], { env, quiet: true, always: true });
}
