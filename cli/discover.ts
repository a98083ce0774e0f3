import { writeFileSync } from "node:fs";
import { resolveConfig } from "../provider/config";
import { CWD, defineCommand, STACK } from "./command";
import { fromStack, resourcesOf, settingsOf } from "./stack";
import { type Step, withProgress } from "./terminal";
import { amount } from "./text";
import type { Unmanaged } from "./unmanaged";

export default defineCommand({
  usage: "pulumi-borgbase discover [OPTIONS]",
  about: `Prints the SSH keys and repositories of the account that the stack does not manage, as code. Changes nothing. Outside a
project, or without a selected stack, it prints everything in the account.`,
  options: {
    format: {
      type: "string",
      default: "import",
      value: "FORMAT",
      values: ["import", "typescript"],
      help: `import: a file for \`pulumi import --file\`, which needs the plugin (default)
typescript: a program that adopts the objects with existingId`,
    },
    out: { type: "string", value: "FILE", help: "File to write, which must not exist (default: standard output)" },
    stack: STACK,
    cwd: CWD,
  },
  notes: `The account is that of the stack's borgbase:token, else of BORGBASE_TOKEN. No secret is printed.

Exit codes: 0 printed, 1 failed, 64 wrong command line.`,
  example: `pulumi-borgbase discover --out found.json
pulumi import --file found.json`,
  run: async (options) => {
    const { stack, found } = await withProgress("Reading the stack", (step) => find(options, step));
    const text = options.format === "import" ? importFile(found) : await program(found);
    if (options.out === undefined) process.stdout.write(text);
    else write(options.out, text);
    // On standard error, as standard output may be the file.
    process.stderr.write(`${summary(found, stack)}\n`);
    return 0;
  },
});

async function find({ cwd, stack: name }: { cwd: string; stack?: string | undefined }, step: Step) {
  const seen = await fromStack(cwd, name, async (stack) => {
    const [settings, resources] = await Promise.all([settingsOf(stack), resourcesOf(stack)]);
    return { stack: stack.name, settings, resources };
  });
  step("Reading the account");
  const { unmanaged } = await import("./unmanaged.js");
  return { stack: seen?.stack, found: await unmanaged(resolveConfig(seen?.settings ?? {}), seen?.resources ?? []) };
}

/** One line per resource: people rename resources before the import. */
function importFile(found: Unmanaged[]): string {
  const lines = found.map(({ type, name, id }) => {
    const fields = { type: `borgbase:index:${type}`, name, id };
    return `\n    { ${Object.entries(fields)
      .map(([key, value]) => `"${key}": ${JSON.stringify(value)}`)
      .join(", ")} }`;
  });
  return `{\n  "resources": [${lines.join(",")}${lines.length > 0 ? "\n  " : ""}]\n}\n`;
}

async function program(found: Unmanaged[]): Promise<string> {
  const { adoptingProgram } = await import("./program.js");
  const of = (type: Unmanaged["type"]) => found.filter((each) => each.type === type);
  return adoptingProgram({ keys: of("SshKey"), repos: of("Repo") });
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(code === "EEXIST" ? `${file} exists already: name another file with --out, or remove it` : message);
  }
}

function summary(found: Unmanaged[], stack: string | undefined): string {
  const count = (type: Unmanaged["type"]) => found.filter((each) => each.type === type).length;
  const counts = `${amount(count("SshKey"), "SSH key")}, ${amount(count("Repo"), "repository", "repositories")}`;
  return stack === undefined
    ? `Everything in the account, as no stack is selected: ${counts}.`
    : `In the account and not in the stack ${stack}: ${counts}.`;
}
