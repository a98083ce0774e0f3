import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Emulator, TokenLevel } from "../emulator";
import { type Command, readOptions, readPort, UsageError } from "./command";

const HELP = `Usage: pulumi-borgbase emulator [OPTIONS]

Runs a local BorgBase: its GraphQL API, an SSH server in front of borg, and restic's REST protocol.

  --port PORT       Port of the API and of restic (default 8650; 0 picks a free one)
  --ssh-port PORT   Port of the SSH server (default 8622; 0 picks a free one)
  --host ADDRESS    Address to listen on (default 127.0.0.1, which only this machine reaches)
  --data FOLDER     Keep accounts and repositories here (default ~/.local/share/pulumi-borgbase/emulator)
  --memory          Keep nothing
  --control         Let tests reset, slow down and break it under /control/
  --allow-host NAME Serve /control/ under this host name too, besides localhost and addresses (repeatable)
  --set NAME=VALUE  Choose a behaviour that the real API leaves open, as missing=null (repeatable)
  --json            Print one line of JSON once it runs, and no log
  --quiet           No line per request
  --help            Show this help
`;

const LEVELS: Record<TokenLevel, string> = {
  fullAccess: "Full Access",
  createOnly: "Create Only",
  readOnly: "Read Only",
};

const emulator: Command = async (args) => {
  const options = readOptions(args, {
    port: { type: "string", default: "8650" },
    "ssh-port": { type: "string", default: "8622" },
    host: { type: "string", default: "127.0.0.1" },
    data: { type: "string" },
    memory: { type: "boolean", default: false },
    control: { type: "boolean", default: false },
    "allow-host": { type: "string", multiple: true, default: [] },
    set: { type: "string", multiple: true, default: [] },
    json: { type: "boolean", default: false },
    quiet: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (options.memory && options.data !== undefined) throw new UsageError("--memory and --data exclude each other");
  const dataDir = options.memory ? undefined : resolve(options.data ?? defaultFolder());
  const port = readPort("port", options.port);
  const sshPort = readPort("ssh-port", options["ssh-port"]);

  const { startEmulator, readVariants } = require("../emulator") as typeof import("../emulator");
  const variants = readVariants(options.set.map(assignment));
  if (typeof variants === "string") throw new UsageError(variants);
  const stopped = signal();
  const running = await startEmulator({
    host: options.host,
    port,
    sshPort,
    storage: true,
    dataDir,
    control: options.control,
    allowedHosts: options["allow-host"],
    variants,
    log: options.json || options.quiet ? undefined : (line) => process.stdout.write(`${line}\n`),
  }).catch((error: NodeJS.ErrnoException & { port?: number }) => {
    if (error.code !== "EADDRINUSE") throw error;
    const flag = error.port === sshPort ? "--ssh-port" : "--port";
    throw new Error(`port ${error.port ?? port} is in use: choose another with ${flag}, or 0 for a free one`);
  });
  process.stdout.write(
    options.json ? `${JSON.stringify(facts(running, dataDir))}\n` : summary(running, dataDir, options),
  );
  await stopped;
  await running.close();
  return 0;
};

export default emulator;

function defaultFolder(): string {
  return join(process.env.XDG_DATA_HOME || join(homedir(), ".local", "share"), "pulumi-borgbase", "emulator");
}

function assignment(text: string): [string, string] {
  const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new UsageError(`--set takes NAME=VALUE, not ${text}`);
  return [name, value];
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function signal(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      process.once(name, () => {
        process.once(name, () => process.exit(1));
        resolve();
      });
    }
  });
}

/** What `--json` prints, for scripts. */
function facts(running: Emulator, dataDir: string | undefined) {
  return {
    endpoint: running.endpoint,
    port: running.port,
    sshPort: running.ssh?.port ?? null,
    dataDir: dataDir ?? null,
    accounts: running.accounts,
    hostKeys: running.ssh?.hostKeys ?? [],
    ...running.names,
  };
}

function summary(running: Emulator, dataDir: string | undefined, options: { host: string; control: boolean }): string {
  const controlUrl = `${running.endpoint.replace(/graphql$/, "control/")}…`;
  const rows = running.accounts.flatMap(({ email, password, tokens }) =>
    (Object.keys(LEVELS) as TokenLevel[]).map((level, index) => [
      index === 0 ? email : "",
      index === 0 ? password : "",
      LEVELS[level],
      tokens[level],
    ]),
  );
  return `
A local BorgBase is running. Ctrl+C stops it.

  GraphQL API  ${running.endpoint}  (GraphiQL in a browser)
  SSH          ${options.host}:${running.ssh?.port}
  Data         ${dataDir ?? "a temporary folder, gone when it stops"}
  Control      ${options.control ? controlUrl : "off (start with --control)"}

${table([["Account", "Password", "Level", "Token"], ...rows])}

To use it in another shell:

  export BORGBASE_ENDPOINT=${running.endpoint}
  export BORGBASE_TOKEN=${running.accounts[0].tokens.fullAccess}

${names(running)}`;
}

/** What leads clients that know BorgBase's own names to it. */
function names({ names }: Emulator): string {
  if (!names) return "";
  const { sshConfig, httpsProxy, caFile } = names;
  return `For clients that call api.borgbase.com or ID.repo.borgbase.com themselves:

  export BORG_RSH=${quoted(`ssh -F ${quoted(sshConfig)}`)}
  export HTTPS_PROXY=${httpsProxy}
  export SSL_CERT_FILE=${quoted(caFile)}    # restic: --cacert ${quoted(caFile)}

`;
}

/** A text as a POSIX shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd())
    .join("\n");
}
