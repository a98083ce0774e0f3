import { type ParseArgsConfig, parseArgs } from "node:util";

/** A sub-command: takes what follows its name, resolves to the exit code. A rejection is shown as one line. */
export type Command = (args: string[]) => Promise<number>;

/** The command line is wrong: one line, exit code 64. */
export class UsageError extends Error {}

/** `node:util`'s parser without positionals, its complaints as UsageErrors of one line. */
export function readOptions<T extends NonNullable<ParseArgsConfig["options"]>>(args: string[], options: T) {
  try {
    return parseArgs({ args, options, allowPositionals: false, strict: true }).values;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split(/\. |\n/);
    throw new UsageError(line.replace(/\.$/, ""));
  }
}

/** A port number from the command line; 0 stands for a free one. */
export function readPort(name: string, text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535)
    throw new UsageError(`--${name} takes a number from 0 to 65535, not ${text}`);
  return port;
}
