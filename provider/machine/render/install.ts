import { MANAGERS } from "../packages";

/** Installs programs that are missing with the package manager that the machine has. Upgrades and removes nothing. */
export function installLines(): string[] {
  const branches = Object.entries(MANAGERS).map(([manager, { packages, install }], index) => {
    const names = `set -- borg ${packages.borg} borgmatic ${packages.borgmatic} ssh ${packages.ssh} flock ${packages.flock}`;
    return `${index === 0 ? "if" : "elif"} command -v ${manager} > /dev/null; then\n${install}\n${names}`;
  });
  return [
    ...branches,
    "else set --",
    "fi",
    "packages=",
    'while [ $# -gt 1 ]; do command -v "$1" > /dev/null || packages="$packages $2"; shift 2; done',
    `[ -z "$packages" ] || install $packages > /dev/null || fail "could not install$packages"`,
  ];
}
