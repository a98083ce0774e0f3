import type { Command } from "./command";

/** The subcommands of `pulumi-borgbase`. Each one is a file that is loaded on use. */
export const COMMANDS: Record<string, { summary: string; load: () => { default: Command } }> = {
  emulator: {
    summary: "Run a local BorgBase for trials, development and tests",
    load: () => require("./emulator") as typeof import("./emulator"),
  },
  drift: {
    summary: "Compare a stack's state with the real objects (exit code 0, 2 or 1)",
    load: () => require("./drift") as typeof import("./drift"),
  },
  report: {
    summary: "Show all repositories and keys, and first what needs attention (exit code 0, 2 or 1)",
    load: () => require("./report") as typeof import("./report"),
  },
  discover: {
    summary: "Print what the account has and the stack does not manage, as code",
    load: () => require("./discover") as typeof import("./discover"),
  },
  "recovery-kit": {
    summary: "Write what a person needs to restore when the state of a stack is lost",
    load: () => require("./recoveryKit") as typeof import("./recoveryKit"),
  },
  doctor: {
    summary: "Say what is missing or wrong on this machine and in the account (exit code 0 or 2)",
    load: () => require("./doctor") as typeof import("./doctor"),
  },
  plugin: {
    summary: "Install the provider plugin, for programs in every language",
    load: () => require("./plugin") as typeof import("./plugin"),
  },
  "from-terraform": {
    summary: "Print a program that adopts the objects of the Terraform provider",
    load: () => require("./fromTerraform") as typeof import("./fromTerraform"),
  },
  completion: {
    summary: "Print the script that completes commands and options in a shell",
    load: () => require("./completion") as typeof import("./completion"),
  },
};
