import { type ParseArgsOptionDescriptor, parseArgs } from "node:util";

/** An option of a command: its reading, its line of help, and what a shell completes. */
export interface Option extends ParseArgsOptionDescriptor {
  /** Help. Further lines stand below the first. */
  help: string;
  /** Word for the value in the help. `FILE` and `FOLDER` are completed as such. */
  value?: string;
  /** The values that it takes. Any other is a wrong command line. */
  values?: readonly string[];
}

export type Options = Readonly<Record<string, Option>>;

export type Values<O extends Options> = ReturnType<typeof parseArgs<{ args: string[]; options: O }>>["values"];

/** A subcommand: receives the arguments after its name and resolves to the exit code. A rejection is printed as one line. */
export interface Command {
  (args: string[]): Promise<number>;
  readonly options: Options;
  /** Words of which the first argument is one. Empty: no such argument. */
  readonly actions: readonly string[];
}

export interface Definition<O extends Options> {
  /** The line behind `Usage:`. */
  usage: string;
  about: string;
  /** Texts for the first argument, which is required then. */
  actions?: readonly string[];
  options: O;
  /** Text of the help behind the options. */
  notes?: string;
  /** Command lines. */
  example: string;
  /** @param action one of `actions`; empty without them */
  run(options: Values<O>, action: string): Promise<number>;
}

const HELP = { help: { type: "boolean", short: "h", help: "Show this help" } } as const satisfies Options;

/** Options of the commands that read a stack. */
export const STACK = { type: "string", value: "NAME", help: "Stack (default: the selected stack)" } as const;
export const CWD = {
  type: "string",
  default: ".",
  value: "FOLDER",
  help: "Folder of the project (default: the current folder)",
} as const;

/** A wrong command line: printed as one line, with exit code 64. */
export class UsageError extends Error {}

/** A command with `--help`. The table of its options serves the reading, the help and the completion of shells. */
export function defineCommand<const O extends Options>(definition: Definition<O>): Command {
  const { actions = [], options } = definition;
  const all: Options = { ...options, ...HELP };
  const run = async (args: string[]) => {
    const [first = "", ...rest] = args;
    const isAction = actions.includes(first);
    if (actions.length > 0 && !isAction && first !== "--help" && first !== "-h") {
      const known = `: give ${actions.join(", ")}`;
      throw new UsageError(first === "" ? `no action is given${known}` : `unknown action ${first}${known}`);
    }
    const values = readOptions(isAction ? rest : args, { ...options, ...HELP });
    if ((values as { help?: boolean }).help) {
      process.stdout.write(helpOf(definition, all));
      return 0;
    }
    return definition.run(values as Values<O>, isAction ? first : "");
  };
  return Object.assign(run, { options: all, actions });
}

/** Parses options with `node:util`; no positional arguments. @throws {UsageError} of one line. */
function readOptions<O extends Options>(args: string[], options: O): Values<O> {
  const values = parsed(args, options);
  const given = new Map<string, unknown>(Object.entries(values));
  for (const [name, { values: allowed }] of Object.entries(options)) {
    const value = given.get(name);
    if (allowed && typeof value === "string" && !allowed.includes(value)) {
      throw new UsageError(`--${name} takes ${allowed.join(" or ")}, not ${value}`);
    }
  }
  return values;
}

function parsed<O extends Options>(args: string[], options: O): Values<O> {
  try {
    return parseArgs({ args, options, allowPositionals: false, strict: true }).values;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split(/\. |\n/);
    throw new UsageError(line.replace(/\.$/, ""));
  }
}

function helpOf({ usage, about, notes, example }: Definition<Options>, options: Options): string {
  const heads = Object.entries(options).map(([name, { short, value }]) => {
    const long = value === undefined ? `--${name}` : `--${name} ${value}`;
    return short === undefined ? long : `-${short}, ${long}`;
  });
  const width = Math.max(...heads.map(({ length }) => length)) + 3;
  const lines = Object.values(options).map(({ help }, index) => {
    const [first, ...more] = help.split("\n");
    return [`  ${heads[index]?.padEnd(width)}${first}`, ...more.map((line) => " ".repeat(width + 2) + line)].join("\n");
  });
  const examples = example.replace(/^/gm, "  ");
  const title = example.includes("\n") ? "Examples" : "Example";
  const parts = [`Usage: ${usage}`, about, lines.join("\n"), ...(notes ? [notes] : []), `${title}:\n${examples}`];
  return `${parts.join("\n\n")}\n`;
}

/** A port number of the command line; 0 means any free port. */
export function readPort(name: string, text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535)
    throw new UsageError(`--${name} takes a number from 0 to 65535, not ${text}`);
  return port;
}
