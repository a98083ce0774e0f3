import { existsSync } from "node:fs";

/** What the demonstration leaves out: it changes nothing outside this folder, and a job changes a machine. */
export function leftOut() {
  const missing = [
    ...(process.platform === "linux" ? [] : ["Linux"]),
    ...(process.getuid?.() === 0 ? [] : ["root"]),
    ...(existsSync("/run/systemd/system") ? [] : ["systemd"]),
  ];
  const here = missing.length === 0 ? "this machine can have it" : `this machine lacks ${missing.join(" and ")} for it`;
  return `the timer that backs up by itself; ${here}, and examples/machine shows it`;
}
