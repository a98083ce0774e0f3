import { ProviderError } from "../errors";
import { printable } from "../ssh/error";
import type { Machine } from "./host/machine";
import type { Observation, PackageManager } from "./host/observation";
import { isAtLeast } from "./plan/version";

type Tool = "borg" | "borgmatic" | "ssh" | "flock";

interface Manager {
  packages: Record<Tool, string>;
  /** Shell function `install PACKAGE…`. */
  install: string;
  /** Shell function `offered PACKAGE`, which prints the version that an installation would get. */
  offered?: string;
}

const PACKAGES = { borg: "borgbackup", borgmatic: "borgmatic", ssh: "openssh-client", flock: "util-linux" };
const RPM = { ...PACKAGES, ssh: "openssh-clients" };

/** Only apt is tested on real hosts. No manager upgrades a package that is there. */
export const MANAGERS: Record<PackageManager, Manager> = {
  "apt-get": {
    packages: PACKAGES,
    // A fresh machine knows no package, and its own upgrades may hold the lock.
    install: `install() { a="apt-get -qq -y -o DPkg::Lock::Timeout=120 --no-install-recommends"; export DEBIAN_FRONTEND=noninteractive
$a install --no-upgrade "$@" 2>/dev/null || { $a update && $a install --no-upgrade "$@"; }; }`,
    offered: `candidate() { apt-cache policy "$1" | sed -n '/(none)/d; s/^  Candidate: //p' | grep .; }
offered() { candidate "$1" || { apt-get -qq update >&2; candidate "$1"; }; }`,
  },
  dnf: { packages: RPM, install: 'install() { dnf install -y -q --setopt=install_weak_deps=False "$@"; }' },
  apk: { packages: PACKAGES, install: 'install() { apk add -q --no-cache "$@"; }' },
  pacman: {
    packages: { ...PACKAGES, borg: "borg", ssh: "openssh" },
    install: 'install() { pacman -S --needed --noconfirm "$@"; }',
  },
  zypper: {
    packages: RPM,
    install: 'install() { zypper --non-interactive install --no-recommends "$@"; }',
  },
};

const SECONDS = 900;

/** Programs of a job that the host lacks. */
export function missingTools({ commands }: Observation): Tool[] {
  return (["borg", "borgmatic", "ssh", "flock"] as const).filter((tool) => commands[tool] === undefined);
}

/**
 * Installs missing programs with the host's package manager. Upgrades and removes nothing.
 * @returns the names of the packages
 */
export async function installTools(machine: Machine, observation: Observation, tools: Tool[]): Promise<string[]> {
  const manager = managerOf(observation);
  if (manager === undefined) throw cannotInstall(machine, tools);
  const packages = tools.map((tool) => MANAGERS[manager].packages[tool]);
  const script = `${MANAGERS[manager].install}\ninstall ${packages.join(" ")} >&2`;
  const { code, stderr } = await machine.run(script, { purpose: `install ${packages.join(", ")}`, seconds: SECONDS });
  if (code === 0) return packages;
  throw new ProviderError(
    "host",
    `${manager} could not install ${packages.join(", ")} on ${machine.address} (it says: ${printable(stderr).slice(-300)}). Install them there, or make the packages available and run again.`,
  );
}

/**
 * Refuses programs whose package is older than the minimum, before any is installed. Managers other than apt are not asked.
 * A package that is not offered is left to the installation, which has the manager's own words for it.
 */
export async function assertOffered(
  machine: Machine,
  observation: Observation,
  tools: Tool[],
  minimum: Record<"borg" | "borgmatic", string>,
): Promise<void> {
  const manager = managerOf(observation);
  if (manager === undefined) return;
  const { offered, packages } = MANAGERS[manager];
  const asked = (["borg", "borgmatic"] as const).filter((tool) => tools.includes(tool));
  if (offered === undefined || asked.length === 0) return;
  const lines = asked.map((tool) => `echo "${tool} $(offered ${packages[tool]})"`);
  const purpose = `ask ${manager} for versions`;
  const { output } = await machine.run(`${offered}\n${lines.join("\n")}`, { purpose, seconds: SECONDS });
  for (const line of output.toString("utf8").split("\n")) {
    const [tool, version = ""] = line.split(" ") as ["borg" | "borgmatic", string];
    const upstream = version.replace(/^\d+:/, "");
    if (upstream === "" || isAtLeast(upstream, minimum[tool])) continue;
    throw new ProviderError(
      "refused",
      `${manager} on ${machine.address} offers ${tool} ${version}, and minimum.${tool} is ${minimum[tool]}: nothing was installed. Install a newer one there, and set install: "none".`,
    );
  }
}

export function managerOf({ commands }: Observation): PackageManager | undefined {
  return (Object.keys(MANAGERS) as PackageManager[]).find((each) => commands[each] !== undefined);
}

function cannotInstall({ address }: Machine, tools: string[]): ProviderError {
  return new ProviderError(
    "host",
    `${address} lacks ${tools.join(", ")}, and has none of ${Object.keys(MANAGERS).join(", ")}: install them there, and set install: "none".`,
  );
}
