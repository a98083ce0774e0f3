// Builds of Pulumi's programs from the Go module proxy, with the module files in ./go.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT, which } from "./paths.mjs";
import { Problem, run } from "./progress.mjs";

/** The Go version that the go.mod of the CLI and of Pulumi's SDK for Go require. */
export const OLDEST_GO = "1.26.6";

/**
 * Settings of every build here, also of programs in tests. Go compiles a package once for all programs with the same
 * settings and the same version of it: the example in Go has the CLI's versions.
 */
export const GO_SETTINGS = { CGO_ENABLED: "0", GOFLAGS: "-trimpath" };

/**
 * @param {string} a
 * @param {string} b
 */
export function compareVersions(a, b) {
  return a.localeCompare(b, "en", { numeric: true });
}

/**
 * @param {string} need the reason for Go, as the beginning of the message
 * @param {string} advice the end of the message
 * @throws {Problem} unless PATH has a recent Go
 */
export function assertGo(need, advice) {
  const version = goVersion();
  if (!version) throw new Problem(`${need}, and there is no Go. ${advice}`);
  if (compareVersions(version, OLDEST_GO) < 0) throw new Problem(`${need}, and Go ${version} is too old. ${advice}`);
}

/** @returns {string | undefined} the version of Go on PATH, without a download of a newer toolchain */
function goVersion() {
  if (!which("go")) return undefined;
  const env = { ...process.env, GOTOOLCHAIN: "local" };
  const { stdout } = spawnSync("go", ["env", "GOVERSION"], { encoding: "utf8", env });
  return /^go(\d+(\.\d+)*)/.exec(stdout?.trim() ?? "")?.[1];
}

/**
 * @param {string} module a folder of ./go
 * @param {string[]} targets main packages; `tool` stands for all tools of the module
 * @param {string} output a file, or a folder with a slash at its end
 * @param {string} advice the end of the message after a failure
 * @param {string} [linkerFlags]
 */
export async function goBuild(module, targets, output, advice, linkerFlags = "") {
  const flags = ["-mod=readonly", "-buildvcs=false", "-ldflags", `-s -w ${linkerFlags}`];
  await run("go", ["build", ...flags, "-o", output, ...targets], {
    cwd: folderOfModule(module),
    env: goEnvironment(),
    problem: `${targets.join(", ")} cannot be built here: Go's messages are above. ${advice}`,
  });
}

/**
 * @param {string} module a folder of ./go
 * @param {string} path of one of its dependencies
 * @returns {Promise<string>} the folder with its sources
 */
export async function goSources(module, path) {
  const options = { cwd: folderOfModule(module), env: goEnvironment() };
  return (await run("go", ["list", "-f", "{{.Dir}}", path], options)).trim();
}

/** @param {string} module */
function folderOfModule(module) {
  return join(ROOT, "scripts", "setup", "go", module);
}

/** The environment of Go's own commands, which no workspace of the developer may change. */
export function goEnvironment() {
  return { ...process.env, ...GO_SETTINGS, GOWORK: "off" };
}
