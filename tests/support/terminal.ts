import { execute, type Result } from "./project";

/** Variables from which Node.js tells the colours of a terminal. A CI system sets some of them. */
const UNSET = [
  "NO_COLOR",
  "FORCE_COLOR",
  "NODE_DISABLE_COLORS",
  "COLORTERM",
  "TMUX",
  "CI",
  "TF_BUILD",
  "TEAMCITY_VERSION",
];

/** Environment of a plain terminal, whatever that of the tests is. */
export const PLAIN: NodeJS.ProcessEnv = {
  ...Object.fromEntries(UNSET.map((name) => [name, undefined])),
  TERM: "xterm",
};

/** Runs a program of Node.js at a real terminal. Its output is that of both streams. */
export function atTerminal(args: string[], folder: string, env: NodeJS.ProcessEnv = {}): Promise<Result> {
  const quoted = [process.execPath, ...args].map((each) => `'${each.replaceAll("'", `'\\''`)}'`).join(" ");
  return execute("script", ["-q", "-e", "-c", quoted, "/dev/null"], folder, { ...PLAIN, ...env });
}
