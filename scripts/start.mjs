// `npm start`: a demonstration. A Pulumi stack creates a key and a repository, and borg backs up into it. As root on a
// machine with systemd, a job of the machine's own does the same by its unit.
//   npm start               against the emulator, without network
//   npm start -- --real     against BorgBase, with the token in BORGBASE_TOKEN
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { borgEnvironment, secretFile } from "./demo/borg.mjs";
import { startDemoEmulator } from "./demo/demoEmulator.mjs";
import { backUpThisMachine, leftOut } from "./demo/machine.mjs";
import { attempt, forwardInterrupts, quoted, show } from "./demo/shell.mjs";
import { LOCAL, ROOT } from "./setup/paths.mjs";
import { Problem, runMain, step } from "./setup/progress.mjs";
import { environment, setUp } from "./setup.mjs";

/** The folder to back up: small, and part of every clone. */
const FOLDER = "provider";

/** Name of the example's configuration value that permits to delete backups. */
const PERMISSION = "forceDestroy";

const UNATTENDED = ["--yes", "--skip-preview", "--suppress-progress"];
const UP = ["pulumi", "up", ...UNATTENDED];

/** @returns {boolean} whether to use the real service */
function readArguments() {
  let real;
  try {
    real = parseArgs({ options: { real: { type: "boolean", default: false } } }).values.real;
  } catch {
    throw new Problem("Usage: npm start [-- --real]");
  }
  if (real && !process.env.BORGBASE_TOKEN) throw new Problem("--real needs a BorgBase API token in BORGBASE_TOKEN");
  return real;
}

/** @param {string} title */
function chapter(title) {
  process.stdout.write(`\n── ${title}\n`);
}

/**
 * Environment variables of the stack, without those of the API.
 * @param {string} folder of this demonstration's files
 */
function stackVariables(folder) {
  const state = join(LOCAL, "state");
  mkdirSync(state, { recursive: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: secretFile(join(folder, "pulumi-passphrase")),
  };
}

/**
 * @param {Record<string, string>} variables
 * @param {string} file a script for a shell's `.`
 */
function writeVariables(variables, file) {
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  writeFileSync(file, lines.join(""), { mode: 0o600 });
}

/**
 * @param {string} stack
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<import("./demo/borg.mjs").StackOutputs>}
 */
async function deploy(stack, env) {
  chapter("Pulumi makes a key pair, registers it, and adds a repository");
  await show(["pulumi", "stack", "select", "--create", stack], { env, quiet: true });
  // A cleanup after the last run may have set it to true.
  await show(["pulumi", "config", "set", PERMISSION, "false"], { env, quiet: true });
  await show([...UP, "--refresh"], { env });
  const outputs = JSON.parse(
    await show(["pulumi", "stack", "output", "--json", "--show-secrets"], { env, quiet: true }),
  );
  const missing = ["repoPath", "privateKey", "hostFingerprints"].filter((name) => !outputs[name]);
  if (missing.length > 0) throw new Problem(`The stack has no output ${missing.join(", ")}`);
  return outputs;
}

/** @param {NodeJS.ProcessEnv} env */
async function backUp(env) {
  chapter("borg backs up a folder over SSH with that key");
  const { code } = await attempt(["borg", "info"], { env, quiet: true });
  if (code !== 0) await show(["borg", "--error", "init", "--encryption", "repokey-blake2"], { env });
  await show(["borg", "create", "--stats", "::{now:%Y-%m-%dT%H-%M-%S}", FOLDER], { env });
  chapter("The archives in the repository");
  return show(["borg", "list", "--short"], { env });
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>} the error that protects the backup
 */
async function tryToDestroy(env) {
  chapter("Pulumi does not delete a repository that holds backups");
  const { code, lines } = await attempt(["pulumi", "destroy", ...UNATTENDED], { env });
  const refusal = lines.map((line) => line.trim()).find((line) => /^error: .*/.test(line) && line.includes(PERMISSION));
  if (code === 0) throw new Problem("`pulumi destroy` deleted the repository, which it should have refused");
  if (!refusal) throw new Problem("`pulumi destroy` failed for another reason than the backup in the repository");
  return refusal.replace(/^error: /, "");
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string | undefined>} what happened; undefined on a machine that cannot have a job
 */
async function machinePart(env) {
  if (leftOut()) return undefined;
  chapter("This machine backs itself up, by a unit and a timer of its own");
  return backUpThisMachine(env);
}

await runMain(async () => {
  const real = readArguments();
  await setUp(["borg", "ssh"]);
  forwardInterrupts();

  const stack = real ? "borgbase" : "quickstart";
  const folder = join(LOCAL, stack);
  const env = environment();
  // Variables of another project's shell must not apply here; BorgBase's own only with --real.
  const foreign = real ? /^(BORG|PULUMI_CONFIG|PULUMI_BACKEND)_/ : /^(BORG|BORGBASE|PULUMI_CONFIG|PULUMI_BACKEND)_/;
  for (const name of Object.keys(env)) if (foreign.test(name)) delete env[name];

  const emulator = real ? undefined : await step("Starting the emulator", () => startDemoEmulator(env));
  /** @type {Record<string, string>} */
  const api = emulator ? { BORGBASE_ENDPOINT: emulator.endpoint, BORGBASE_TOKEN: emulator.token } : {};
  try {
    const variables = { ...stackVariables(folder), ...api };
    const outputs = await deploy(stack, { ...env, ...variables });
    const borg = await borgEnvironment(folder, outputs, env);
    const archives = await backUp({ ...env, ...borg });

    chapter("A second `pulumi up` changes nothing");
    await show([...UP, "--expect-no-changes", "--suppress-outputs"], { env: { ...env, ...variables } });
    const refusal = await tryToDestroy({ ...env, ...variables });
    const machine = real ? undefined : await machinePart({ ...env, ...variables });

    const file = join(folder, "env");
    const { PATH = "", PULUMI_HOME = "" } = env;
    writeVariables({ PATH, PULUMI_HOME, PULUMI_SKIP_UPDATE_CHECK: "true", ...variables, ...borg }, file);
    summarize({ outputs, archives, refusal, machine, file: relative(ROOT, file), emulator: emulator?.command });
  } finally {
    await emulator?.stop();
  }
});

/**
 * @param {object} facts
 * @param {import("./demo/borg.mjs").StackOutputs} facts.outputs
 * @param {string} facts.archives one name a line
 * @param {string} facts.refusal
 * @param {string} [facts.machine] what happened to this machine
 * @param {string} facts.file with the variables for a shell
 * @param {string[]} [facts.emulator] the command that starts it
 */
function summarize({ outputs, archives, refusal, machine, file, emulator }) {
  const names = archives.trim().split("\n");
  const before = emulator
    ? `In one shell, the emulator again:\n\n    ${emulator.map(quoted).join(" ")}\n\n  In another one in this folder`
    : "In a shell in this folder, with the same BORGBASE_TOKEN";
  process.stdout.write(`
── Done

  Repository   ${outputs.repoPath}
  Archives     ${names.length}, the newest ${names.at(-1)}
  Destroy      refused: ${refusal}
  ${machine ? `This machine ${machine}` : `Left out     ${leftOut() ?? "the timer that backs up by itself, which examples/machine shows"}`}

  ${before}, to look around:

    . ${quoted(file)}
    borg list
    pulumi stack output

  and to erase the repository with its backups, and the key:

    pulumi config set ${PERMISSION} true
    pulumi up --yes
    pulumi destroy --yes
`);
}
