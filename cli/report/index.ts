import { resolveConfig } from "../../provider/config";
import { CWD, defineCommand, UsageError } from "../command";
import { readStacks } from "../stack";
import { withProgress } from "../terminal";
import { KIND_NAMES, KINDS, type Kind } from "./findings";
import { makeReport, type Report } from "./report";

const EXIT = { clean: 0, attention: 2 };

export default defineCommand({
  usage: "pulumi-borgbase report [OPTIONS]",
  about: `Shows all repositories and SSH keys of the account, and first what needs attention. Changes nothing. A Read Only token
is enough.`,
  options: {
    html: {
      type: "string",
      value: "FILE",
      help: `Write one HTML page instead of the table; - prints it. An earlier report
is replaced, another file is not`,
    },
    force: { type: "boolean", default: false, help: "Replace any file" },
    json: { type: "boolean", default: false, help: "Print one JSON document instead of the table" },
    only: {
      type: "string",
      value: "KINDS",
      help: "Kinds of findings to look for, separated by commas (default: all)",
    },
    "stale-after": {
      type: "string",
      default: "7",
      value: "DAYS",
      help: "Days without a change, for repositories without alertDays; 0: never (default 7)",
    },
    "full-at": {
      type: "string",
      default: "90",
      value: "PERCENT",
      help: "Part of the quota that counts as nearly full (default 90)",
    },
    stack: {
      type: "string",
      multiple: true,
      default: [] as string[],
      value: "NAME",
      help: "Stack whose resources count as managing an object; repeatable\n(default: all stacks of the project)",
    },
    cwd: CWD,
  },
  notes: `Kinds of findings:
  stale          No change within alertDays or --stale-after
  nearly-full    Usage above --full-at of the quota
  no-alert       Repository without alertDays
  no-compaction  Append-only repository or key without compaction
  unused-key     Key in no repository
  unmanaged      Repository or key in none of the stacks; unknown outside a project

The account is that of the first --stack, else of the selected or only stack (borgbase:token), else of BORGBASE_TOKEN. A new
page is readable for its owner alone; a replaced one keeps its mode. No secret is printed. BorgBase has counted compactions as
changes: a recent change is a hint, and no proof of a backup.

Exit codes: 0 nothing found, 2 something needs attention, 1 failed, 64 wrong command line.`,
  example: `pulumi-borgbase report
pulumi-borgbase report --html report.html
pulumi-borgbase report --only stale,nearly-full || mail -s "Look at the backups" admin@example.com`,
  run: async (options) => {
    const { html, json, force } = options;
    if (json && html !== undefined) throw new UsageError("--json and --html exclude each other");
    if (force && html === undefined) throw new UsageError("--force belongs to --html");
    const settings = {
      staleAfterDays: readNumber("stale-after", options["stale-after"]),
      fullAtPercent: readNumber("full-at", options["full-at"]),
      kinds: options.only === undefined ? KIND_NAMES : readKinds(options.only),
    };
    const file = html === undefined || html === "-" ? undefined : (await import("./file.js")).target(html, force);
    const report = await read(options.cwd, options.stack, settings);
    if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    else if (html === undefined) process.stdout.write(await text(report));
    else {
      const { page } = await import("./page/index.js");
      const content = await page(report);
      if (file) file.write(content);
      else process.stdout.write(content);
    }
    return EXIT[report.status];
  },
});

async function read(folder: string, names: readonly string[], settings: Report["settings"]): Promise<Report> {
  return withProgress("Reading the stacks", async (step) => {
    const stacks = await readStacks(folder, names);
    step("Reading the account");
    const { inventory } = await import("./inventory.js");
    return makeReport(await inventory(resolveConfig(stacks.settings), stacks), stacks, settings, new Date());
  });
}

/** Width without a terminal, as in a mail of cron. */
const WIDTH = 120;

async function text(report: Report): Promise<string> {
  const { terminalReport } = await import("./terminal.js");
  return terminalReport(report, process.stdout.columns || Number(process.env.COLUMNS) || WIDTH);
}

function readNumber(name: string, given: string): number {
  if (!/^\d+(\.\d+)?$/.test(given)) throw new UsageError(`--${name} takes a number, not ${given}`);
  return Number(given);
}

function readKinds(given: string): Kind[] {
  const names = given.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !Object.hasOwn(KINDS, name));
  if (unknown !== undefined) throw new UsageError(`--only takes ${KIND_NAMES.join(", ")}, not ${unknown || "nothing"}`);
  return KIND_NAMES.filter((kind) => names.includes(kind));
}
