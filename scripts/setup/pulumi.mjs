// The Pulumi CLI: from PATH, otherwise the official release, otherwise a build from the Go module proxy.
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { assertGo, compareVersions, goBuild, OLDEST_GO } from "./goBuild.mjs";
import { CACHE, fillFolder, isExecutable, ROOT, which } from "./paths.mjs";
import { Problem, step } from "./progress.mjs";

/** The installed version, unless PATH has a CLI: the newest release that the Go module proxy has too. */
export const VERSION = "3.274.1";

/** The oldest supported version of a CLI on PATH: `npm run test:matrix` runs the suite with it. */
export const OLDEST = "3.230.0";

/** The CLI, its Node language host, and the host of Node dynamic providers; all in one folder. */
const FILES = ["pulumi", "pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];

const CONNECT_TIMEOUT = 8_000;

const HOW_TO_INSTALL = `Install the Pulumi CLI (https://www.pulumi.com/docs/install/) or Go ${OLDEST_GO} or newer, then try again`;

/** @type {boolean | undefined} cached: starting the CLI takes a tenth of a second */
let onPath;

/** @returns {string} the folder of the CLI in use, with its hosts */
export function folderOfCli() {
  return pulumiFolder() ?? dirname(realpathSync(which("pulumi") ?? ""));
}

/** @returns {string | undefined} the folder to add to PATH; undefined when PATH already has a usable Pulumi CLI */
export function pulumiFolder() {
  onPath ??= isUsable(which("pulumi"));
  return onPath ? undefined : folderOf(VERSION);
}

/** Installs the CLI, unless PATH has one. Needs node_modules. */
export async function installPulumi() {
  if (pulumiFolder()) await installVersion(VERSION);
}

/**
 * Installs one version of the CLI, once per user.
 * @param {string} version
 * @returns {Promise<string>} its folder
 * @throws {Problem} when the version can be neither downloaded nor built here
 */
export async function installVersion(version) {
  const folder = folderOf(version);
  if (isComplete(folder)) return folder;
  await fillFolder(folder, isComplete, async (draft) => {
    if (!(await downloadRelease(version, draft))) await buildFromModules(version, draft);
    if (!isComplete(draft))
      throw new Problem(`The Pulumi CLI came without one of ${FILES.join(", ")}. ${HOW_TO_INSTALL}`);
  });
  return folder;
}

/**
 * Finds out whether {@link installVersion} can succeed, without an installation.
 * @param {string} version
 * @returns {Promise<string>} the source of this version
 * @throws {Problem} when the version can be neither downloaded nor built here
 */
export async function sourceOfVersion(version) {
  if (isComplete(folderOf(version))) return folderOf(version);
  const release = await request(releaseUrl(version), "HEAD");
  if (release?.ok) return releaseUrl(version);
  assertBuildable(version);
  return `a build of Go module v${version}`;
}

/** @param {string} version */
function folderOf(version) {
  return join(CACHE, `pulumi-v${version}-${process.platform}-${process.arch}`);
}

/** @param {string} folder */
function isComplete(folder) {
  return FILES.every((file) => isExecutable(join(folder, file)));
}

/**
 * Whether the CLI is recent enough and finds its hosts, which it searches beside its own binary and on PATH.
 * @param {string | undefined} pulumi
 */
function isUsable(pulumi) {
  if (!pulumi) return false;
  const beside = dirname(realpathSync(pulumi));
  if (!FILES.every((file) => isExecutable(join(beside, file)) || which(file))) return false;
  const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const { stdout } = spawnSync(pulumi, ["version"], { encoding: "utf8", env });
  return compareVersions(stdout?.trim().replace(/^v/, "") ?? "", OLDEST) >= 0;
}

/** @param {string} version */
function releaseUrl(version) {
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  return `https://get.pulumi.com/releases/sdk/pulumi-v${version}-${process.platform}-${arch}.tar.gz`;
}

/**
 * @param {string} url
 * @param {"GET" | "HEAD"} [method]
 * @returns {Promise<Response | undefined>} undefined without a connection
 */
async function request(url, method = "GET") {
  const controller = new AbortController();
  const connecting = setTimeout(() => controller.abort(), CONNECT_TIMEOUT);
  try {
    return await fetch(url, { method, signal: controller.signal });
  } catch {
    return undefined;
  } finally {
    clearTimeout(connecting);
  }
}

/**
 * @param {string} version
 * @param {string} draft
 * @returns {Promise<boolean>} false when the release cannot be downloaded
 */
async function downloadRelease(version, draft) {
  const release = await request(releaseUrl(version));
  if (!release?.ok || !release.body) return false;
  const { body } = release;
  return step(`Downloading Pulumi ${version}`, () => unpack(body, draft)).catch((error) => {
    process.stdout.write(`  ${error instanceof Error ? error.message : error}\n`);
    return false;
  });
}

/**
 * @param {ReadableStream<Uint8Array>} archive a tar.gz with one folder in it
 * @param {string} folder
 */
async function unpack(archive, folder) {
  const tar = spawn("tar", ["-xz", "--strip-components=1", "-C", folder], { stdio: ["pipe", "ignore", "inherit"] });
  const ended = new Promise((resolve, reject) => {
    tar.on("error", reject);
    tar.on("close", (code) => (code === 0 ? resolve(true) : reject(new Error(`tar ended with ${code}`))));
  });
  await Promise.all([pipeline(Readable.fromWeb(archive), tar.stdin), ended]);
  return true;
}

/**
 * `go install` rejects the CLI's own go.mod, as it replaces modules. The module files in ./go have the same replacements.
 * @param {string} version
 * @param {string} draft
 */
async function buildFromModules(version, draft) {
  assertBuildable(version);
  const flags = `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`;
  await step(`Building Pulumi ${version} from its Go module, once (some 5 minutes)`, () =>
    goBuild("cli", ["tool"], join(draft, "pulumi"), HOW_TO_INSTALL, flags),
  );
  const host = "pulumi-language-nodejs";
  await step("Building its Node language host", () =>
    goBuild("hosts", [`github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/${host}`], join(draft, host), HOW_TO_INSTALL),
  );
  const shim = "pulumi-resource-pulumi-nodejs";
  copyFileSync(join(ROOT, "node_modules", "@pulumi", "pulumi", shim), join(draft, shim));
}

/**
 * @param {string} version
 * @throws {Problem} unless this version can be built here
 */
function assertBuildable(version) {
  if (version !== VERSION) {
    throw new Problem(`get.pulumi.com has no Pulumi ${version} or cannot be reached, and only ${VERSION} can be built`);
  }
  assertGo("The Pulumi CLI has to be built, as get.pulumi.com cannot be reached", HOW_TO_INSTALL);
}
