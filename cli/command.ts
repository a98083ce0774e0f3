import { type ParseArgsConfig, parseArgs } from "node:util";

/** A subcommand: receives the arguments after its name and resolves to the exit code. A rejection is printed as one line. */
export type Command = (args: string[]) => Promise<number>;

/** A wrong command line: printed as one line, with exit code 64. */
export class UsageError extends Error {}

/** Parses options with `node:util`; no positional arguments. @throws {UsageError} of one line. */
export function readOptions<T extends NonNullable<ParseArgsConfig["options"]>>(args: string[], options: T) {
  try {
    return parseArgs({ args, options, allowPositionals: false, strict: true }).values;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split(/\. |\n/);
    throw new UsageError(line.replace(/\.$/, ""));
  }
}

/** A port number of the command line; 0 means any free port. */
export function readPort(name: string, text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535)
    throw new UsageError(`--${name} takes a number from 0 to 65535, not ${text}`);
  return port;
}
