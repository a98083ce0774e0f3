#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UsageError } from "./command";
import { COMMANDS } from "./commands";

function help(): string {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(16)}${summary}`);
  return `Usage: pulumi-borgbase COMMAND [OPTIONS]

Commands:
${commands.join("\n")}

Options:
  -h, --help      Show this help; after a command, the help of the command
  -V, --version   Show the version

Example:
  pulumi-borgbase emulator --memory
`;
}

function version(): string {
  let folder = __dirname;
  for (;;) {
    try {
      return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string }).version;
    } catch (error) {
      if (folder === dirname(folder)) throw error;
      folder = dirname(folder);
    }
  }
}

/** From sysexits.h; exit code 2 means drift. */
const EX_USAGE = 64;

/** Resolves to the exit code: that of the command, 64 for a wrong command line, 1 for any other failure. */
async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(help());
    return name === undefined ? EX_USAGE : 0;
  }
  if (name === "--version" || name === "-V") {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    const kind = name.startsWith("-") ? "option" : "command";
    process.stderr.write(`pulumi-borgbase: unknown ${kind} ${name}; see pulumi-borgbase --help\n`);
    return EX_USAGE;
  }
  try {
    return await command.load().default(args);
  } catch (error) {
    const usage = error instanceof UsageError;
    const hint = usage ? `; see pulumi-borgbase ${name} --help` : "";
    process.stderr.write(`pulumi-borgbase ${name}: ${error instanceof Error ? error.message : String(error)}${hint}\n`);
    return usage ? EX_USAGE : 1;
  }
}

// The reader of a pipe has what it wanted (`… | head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
