import { resolveConfig } from "../../provider/config";
import { CWD, defineCommand, STACK, UsageError } from "../command";
import { fromStack, settingsOf } from "../stack";
import { type Step, withProgress } from "../terminal";
import { amount } from "../text";
import type { Kit } from "./kit";

export default defineCommand({
  usage: "pulumi-borgbase recovery-kit --out FILE [OPTIONS]",
  about: `Writes a Markdown file with everything that a person needs when the state of a stack is lost: repositories, addresses,
host keys, keys, machines, the place of each secret, and the commands that restore files and take everything over into
a new stack. Outside a project, or without a selected stack, it tells what the account alone knows.`,
  options: {
    out: {
      type: "string",
      value: "FILE",
      help: "File to write. An earlier kit is replaced; any other file needs --force",
    },
    "with-secrets": {
      type: "boolean",
      default: false,
      help: `Write private keys, passphrases and passwords into the file, which only its owner may read
then (mode 0600). Without this option it holds none`,
    },
    force: {
      type: "boolean",
      default: false,
      help: "Replace a file that is no kit, or a kit with secrets by one without",
    },
    stack: STACK,
    cwd: CWD,
  },
  notes: `The account is that of the stack's borgbase:token, else of BORGBASE_TOKEN. No kit holds a token. Equal stacks and
accounts make equal files.

Exit codes: 0 written, 1 failed, 64 wrong command line.`,
  example: `pulumi-borgbase recovery-kit --out RECOVERY.md
pulumi-borgbase recovery-kit --out /media/stick/RECOVERY.md --with-secrets`,
  run: async ({ out, stack, cwd, force, "with-secrets": withSecrets }) => {
    if (out === undefined) throw new UsageError("--out FILE is required");
    const { assertReplaceable, writeKit } = await import("./output.js");
    assertReplaceable(out, withSecrets, force);
    const kit = await withProgress("Reading the stack", (step) => read(cwd, stack, step));
    const { render } = await import("./render.js");
    writeKit(out, render(kit, withSecrets), withSecrets ? 0o600 : 0o666);
    process.stderr.write(summary(kit, out, withSecrets));
    return 0;
  },
});

async function read(folder: string, name: string | undefined, step: Step): Promise<Kit> {
  const seen = await fromStack(folder, name, async (stack) => {
    const { readState } = await import("./state.js");
    const [settings, state] = await Promise.all([settingsOf(stack), readState(stack)]);
    return { settings, state };
  });
  const config = resolveConfig(seen?.settings ?? {});
  step("Reading the account");
  const [{ connect }, { collect }] = await Promise.all([import("../../provider/api/index.js"), import("./collect.js")]);
  // A stack tells enough by itself. Without a stack, the missing token is the error.
  const isAsked = config.token !== undefined || seen === undefined;
  return collect(seen?.state, isAsked ? connect(config) : undefined);
}

function summary({ stack, asked, repositories, keys }: Kit, file: string, withSecrets: boolean): string {
  const content = `${amount(repositories.length, "repository", "repositories")}, ${amount(keys.length, "key")}`;
  const of = stack === undefined ? "the account alone, as no stack is selected" : `the stack ${stack.name}`;
  return [
    `Wrote ${file} for ${of}: ${content}.`,
    withSecrets
      ? "The file HOLDS SECRETS, which open all of these backups. Only its owner may read it: keep it so."
      : "The file holds no secrets, and says where they are.",
    ...(asked ? [] : ["The account was not asked, as no token is set: what the stack does not manage is missing."]),
    "",
  ].join("\n");
}
