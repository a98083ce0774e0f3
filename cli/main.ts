#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "./command";
import { UsageError } from "./command";

/** What stands behind `pulumi-borgbase`. Each command is a file, loaded when it is asked for. */
const COMMANDS: Record<string, { summary: string; load: () => { default: Command } }> = {
  emulator: {
    summary: "Run a local BorgBase to try, develop and test against",
    load: () => require("./emulator") as typeof import("./emulator"),
  },
  drift: {
    summary: "Tell whether a stack still is what its state says (exit code 0, 2 or 1)",
    load: () => require("./drift") as typeof import("./drift"),
  },
  "from-terraform": {
    summary: "Print the program that takes over what the Terraform provider manages",
    load: () => require("./fromTerraform") as typeof import("./fromTerraform"),
  },
};

function help(): string {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(16)}${summary}`);
  return `Usage: pulumi-borgbase COMMAND [OPTIONS]

Commands:
${commands.join("\n")}

Options:
  --help          Show this help; after a command, the command's own
  --version       Show the version
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

/** sysexits.h; 2 would read as "has drifted" in a script. */
const EX_USAGE = 64;

/** The exit code: what the command says; 64 for a command line that is wrong, 1 for anything else that fails. */
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

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
