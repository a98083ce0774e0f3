// Trees of Debian systems that the tests boot as hosts. Each is built once from the distribution's packages, and cached.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CACHE } from "./paths.mjs";
import { Problem, run, step } from "./progress.mjs";
import { installTools } from "./tools.mjs";

/** @type {Record<string, string>} */
const SUITES = { bookworm: "Debian 12", trixie: "Debian 13" };

const INCLUDED = [
  ...["systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "sudo", "cron", "netbase", "procps"],
  ...["ca-certificates", "busybox-static"],
];
const OFFERED = ["borgbackup", "borgmatic"];

/** Timers of the distribution that would hold the package manager's lock at random. */
const MASKED = ["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer"];

/** A change of what a tree consists of makes new ones. Count up where only the code below says so. */
const RECIPE = createHash("sha256")
  .update(JSON.stringify([1, INCLUDED, OFFERED, MASKED]))
  .digest("hex")
  .slice(0, 12);

/** One folder per suite: the tree `base` without borg, whose packages /srv/apt offers, and the layer `borg` over it. */
export const MACHINES = join(CACHE, "machines", RECIPE);

/** Prepares all that {@link MACHINES} holds, and what boots it. */
export async function prepareMachines() {
  await installTools(["mmdebstrap", "systemd-nspawn"]);
  await buildMachines();
}

/** Builds the trees that are missing, side by side: most of the time is spent waiting for downloads. */
async function buildMachines() {
  const missing = Object.keys(SUITES).filter((suite) => !existsSync(join(MACHINES, suite)));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) throw new Problem("the machine tests boot hosts of their own and need root");
  const title = `Building test hosts with ${missing.map((suite) => SUITES[suite]).join(" and ")}`;
  await step(title, () => Promise.all(missing.map(buildTree)));
}

/** @param {string} suite */
async function buildTree(suite) {
  const folder = join(MACHINES, suite);
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true, mode: 0o755 });
  try {
    const base = join(draft, "base");
    await run("mmdebstrap", mmdebstrapArguments(suite, base), {
      problem: `mmdebstrap could not build ${suite}; its messages are above`,
    });
    await offerPackages(base);
    await addBorg(draft);
    if (!existsSync(folder)) renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * @param {string} suite
 * @param {string} base
 */
function mmdebstrapArguments(suite, base) {
  const download = `mkdir -p "$1/srv/apt/partial" && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -y -qq --no-install-recommends --download-only -o Dir::Cache::archives="$1/srv/apt" install ${OFFERED.join(" ")}`;
  return [
    ...["--variant=minbase", "--quiet", `--include=${INCLUDED.join(",")}`],
    ...['--aptopt=Acquire::Languages "none"', "--dpkgopt=force-unsafe-io"],
    ...["man", "doc", "locale", "info"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    `--customize-hook=${download}`,
    ...[suite, base, "deb http://deb.debian.org/debian SUITE main".replace("SUITE", suite)],
  ];
}

/**
 * Makes the downloaded packages the host's only source, so that its package manager needs no network.
 * @param {string} base
 */
async function offerPackages(base) {
  const folder = join(base, "srv", "apt");
  const entries = [];
  for (const name of readdirSync(folder).filter((each) => each.endsWith(".deb"))) {
    const control = await run("dpkg-deb", ["-f", join(folder, name)]);
    const content = readFileSync(join(folder, name));
    const hash = createHash("sha256").update(content).digest("hex");
    entries.push(`${control.trim()}\nFilename: ./${name}\nSize: ${content.length}\nSHA256: ${hash}\n`);
  }
  writeFileSync(join(folder, "Packages"), entries.join("\n"));
  writeFileSync(join(base, "etc", "apt", "sources.list"), "deb [trusted=yes] file:/srv/apt ./\n");
  rmSync(join(base, "var", "lib", "apt", "lists"), { recursive: true });
  mkdirSync(join(base, "var", "lib", "apt", "lists", "partial"), { recursive: true });
  for (const unit of MASKED) await run("ln", ["-sf", "/dev/null", join(base, "etc", "systemd", "system", unit)]);
}

/** @param {string} draft */
async function addBorg(draft) {
  const script = [
    'set -e; cd "$1"; mkdir borg work m',
    "mount -t overlay overlay -o lowerdir=base,upperdir=borg,workdir=work m",
    "chroot m sh -c 'export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -y -qq --no-install-recommends \"$@\" && rm -rf /var/lib/apt/lists/*' sh borgbackup borgmatic",
    "umount m; rm -rf work; rmdir m",
  ];
  await run("unshare", ["--mount", "sh", "-c", script.join("\n"), "sh", draft], {
    problem: "borg could not be installed into a test host; the messages are above",
  });
}
