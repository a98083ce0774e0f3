// System programs that the demonstration and the tests run.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { isExecutable, which } from "./paths.mjs";
import { Problem, run, step } from "./progress.mjs";

/**
 * @typedef {"borg" | "browser" | "git" | "mmdebstrap" | "restic" | "setfacl" | "ssh" | "sshd" | "systemd-nspawn" | "venv"} Tool
 * @typedef {Record<Tool, string>} Packages the package of each tool
 * @typedef {{ command: string, refresh?: string[], install: string[], packages: Packages }} Manager
 */

/** @type {Packages} */
const DEBIAN = {
  borg: "borgbackup",
  browser: "chromium",
  git: "git",
  mmdebstrap: "mmdebstrap",
  restic: "restic",
  setfacl: "acl",
  ssh: "openssh-client",
  sshd: "openssh-server",
  "systemd-nspawn": "systemd-container",
  venv: "python3-venv",
};

/** Outside Debian, Python comes with the module that makes environments. */
const OTHERS = { ...DEBIAN, venv: "python3" };

/** @type {Manager[]} */
const MANAGERS = [
  {
    command: "apt-get",
    refresh: ["update", "-qq"],
    install: ["install", "-y", "-qq", "--no-install-recommends"],
    packages: DEBIAN,
  },
  { command: "dnf", install: ["install", "-y", "-q"], packages: { ...OTHERS, ssh: "openssh-clients" } },
  { command: "apk", install: ["add", "-q", "--no-cache"], packages: OTHERS },
  {
    command: "pacman",
    install: ["-S", "--needed", "--noconfirm"],
    packages: { ...OTHERS, borg: "borg", ssh: "openssh", sshd: "openssh", venv: "python" },
  },
  {
    command: "zypper",
    install: ["--non-interactive", "install"],
    packages: { ...OTHERS, ssh: "openssh-clients" },
  },
  { command: "brew", install: ["install"], packages: { ...OTHERS, ssh: "openssh", sshd: "openssh", venv: "python" } },
];

/** Names of Chromium and Chrome on the PATH of different distributions, and the programs inside their bundles for macOS. */
const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];
const BUNDLES = ["Chromium", "Google Chrome"].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);

/** Debian's maintainer scripts run this file before they start a service; exit code 101 forbids it. */
const SERVICE_POLICY = "/usr/sbin/policy-rc.d";

/**
 * Installs missing tools with the system's package manager. Without root, throws a Problem with the command to run.
 * @param {Tool[]} tools
 */
export async function installTools(tools) {
  const missing = tools.filter((tool) => !isInstalled(tool));
  if (missing.length === 0) return;
  const manager = MANAGERS.find(({ command }) => which(command));
  if (!manager) throw new Problem(`Install ${missing.join(", ")} and try again`);
  const packages = [...new Set(missing.map((tool) => manager.packages[tool]))];
  if (process.getuid?.() !== 0 || manager.command === "brew") {
    const sudo = manager.command === "brew" ? "" : "sudo ";
    const line = [sudo + manager.command, ...manager.install.filter((word) => !word.startsWith("-q")), ...packages];
    throw new Problem(`${missing.join(", ")} missing: run \`${line.join(" ")}\` and try again`);
  }
  await step(`Installing ${packages.join(", ")}`, () => withoutStartingServices(() => install(manager, packages)));
  const still = missing.filter((tool) => !isInstalled(tool));
  if (still.length > 0) throw new Problem(`${still.join(", ")} missing still after ${manager.command} installed them`);
}

/** @returns {string | undefined} the executable of an installed Chromium or Chrome */
export function browserPath() {
  return BROWSERS.map((name) => which(name)).find((path) => path !== undefined) ?? BUNDLES.find(isExecutable);
}

/** @param {Tool} tool */
function isInstalled(tool) {
  if (tool === "browser") return browserPath() !== undefined;
  if (tool !== "venv") return which(tool) !== undefined;
  // A module of Python. Debian's own installation has it without the part that installs pip.
  return spawnSync("python3", ["-c", "import ensurepip, venv"]).status === 0;
}

/**
 * @param {Manager} manager
 * @param {string[]} packages
 */
async function install({ command, refresh, install }, packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const problem = `${command} could not install ${packages.join(", ")}; its messages are above`;
  const attempt = () => run(command, [...install, ...packages], { env, problem });
  if (!refresh) {
    await attempt();
    return;
  }
  // The package list may be missing, as in a fresh image, or outdated: it is refreshed once.
  try {
    await attempt();
  } catch {
    await run(command, refresh, { env, problem: `\`${command} ${refresh.join(" ")}\` failed; its messages are above` });
    await attempt();
  }
}

/**
 * The tests run their own sshd on loopback. The installation must not start the system's sshd on port 22, neither now nor at
 * the next boot.
 * @param {() => Promise<void>} work
 */
async function withoutStartingServices(work) {
  if (!which("dpkg") || existsSync(SERVICE_POLICY)) return work();
  const hadSshd = which("sshd") !== undefined;
  writeFileSync(SERVICE_POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await work();
  } finally {
    rmSync(SERVICE_POLICY);
    if (!hadSshd && which("sshd") && which("systemctl")) {
      await run("systemctl", ["disable", "ssh.service", "ssh.socket"]).catch(() => {});
    }
  }
}
