import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Emulator, TokenLevel } from "../emulator";
import type { BorgUi, BorgUiVariants } from "../emulator/borgui";
import { defineCommand, readPort, UsageError } from "./command";
import { table } from "./table";

const LEVELS: Record<TokenLevel, string> = {
  fullAccess: "Full Access",
  createOnly: "Create Only",
  readOnly: "Read Only",
};

export default defineCommand({
  usage: "pulumi-borgbase emulator [OPTIONS]",
  about: "Runs a local BorgBase: its GraphQL API, an SSH server in front of borg, and restic's REST protocol.",
  options: {
    port: {
      type: "string",
      default: "8650",
      value: "PORT",
      help: "Port of the API and of restic (default 8650; 0 picks a free one)",
    },
    "ssh-port": {
      type: "string",
      default: "8622",
      value: "PORT",
      help: "Port of the SSH server (default 8622; 0 picks a free one)",
    },
    host: {
      type: "string",
      default: "127.0.0.1",
      value: "ADDRESS",
      help: "Address to listen on (default 127.0.0.1, for this machine only)",
    },
    data: {
      type: "string",
      value: "FOLDER",
      help: "Folder for accounts and repositories (default ~/.local/share/pulumi-borgbase/emulator)",
    },
    memory: { type: "boolean", default: false, help: "Keep no data after the end" },
    control: {
      type: "boolean",
      default: false,
      help: "Serve controls for tests under /control/ (reset, latency, faults)",
    },
    "allow-host": {
      type: "string",
      multiple: true,
      default: [],
      value: "NAME",
      help: "Serve /control/ under this host name too, besides localhost and addresses (repeatable)",
    },
    set: {
      type: "string",
      multiple: true,
      default: [],
      value: "NAME=VALUE",
      help: "Set a behaviour that is uncertain of the real API, as missing=null (repeatable)",
    },
    "borg-ui": {
      type: "boolean",
      default: false,
      help: "Run a Borg UI server too: its REST API, with real SSH and borg",
    },
    "borg-ui-port": {
      type: "string",
      default: "8651",
      value: "PORT",
      help: "Port of Borg UI (default 8651; 0 picks a free one)",
    },
    "borg-ui-set": {
      type: "string",
      multiple: true,
      default: [],
      value: "NAME=VALUE",
      help: "Set a property of that server, as plan=pro (repeatable)",
    },
    json: { type: "boolean", default: false, help: "Print one line of JSON once it runs, and no log" },
    quiet: { type: "boolean", default: false, help: "Log no requests" },
  },
  example: "pulumi-borgbase emulator --memory --port 0 --ssh-port 0 --json",
  run: async (options) => {
    if (options.memory && options.data !== undefined) throw new UsageError("--memory and --data exclude each other");
    const dataDir = options.memory ? undefined : resolve(options.data ?? defaultFolder());
    const port = readPort("port", options.port);
    const sshPort = readPort("ssh-port", options["ssh-port"]);

    const { startEmulator, readVariants } = require("../emulator") as typeof import("../emulator");
    const variants = readVariants(options.set.map((pair) => assignment(pair)));
    if (typeof variants === "string") throw new UsageError(variants);
    const borgUiVariants = startsBorgUi(options) ? readBorgUiSettings(options["borg-ui-set"]) : {};
    const stopped = stopSignal();
    const log = options.json || options.quiet ? undefined : (line: string) => process.stdout.write(`${line}\n`);
    const running = await startEmulator({
      host: options.host,
      port,
      sshPort,
      storage: true,
      dataDir,
      control: options.control,
      allowedHosts: options["allow-host"],
      variants,
      log,
    }).catch((error: NodeJS.ErrnoException & { port?: number }) => {
      throw portInUse(error, error.port === sshPort ? "--ssh-port" : "--port", port);
    });
    const borgUi = startsBorgUi(options)
      ? await runBorgUi({ ...options, dataDir, variants: borgUiVariants, log }).catch(async (error) => {
          await running.close();
          throw error;
        })
      : null;
    process.stdout.write(
      options.json
        ? `${JSON.stringify(jsonSummary(running, borgUi, dataDir))}\n`
        : summary(running, dataDir, options) + borgUiSummary(borgUi),
    );
    await stopped;
    await borgUi?.close();
    await running.close();
    return 0;
  },
});

function startsBorgUi(options: { "borg-ui": boolean; "borg-ui-set": string[] }): boolean {
  if (!options["borg-ui"] && options["borg-ui-set"].length > 0) throw new UsageError("--borg-ui-set needs --borg-ui");
  return options["borg-ui"];
}

function readBorgUiSettings(pairs: string[]): Partial<BorgUiVariants> {
  const { readBorgUiVariants } = require("../emulator/borgui") as typeof import("../emulator/borgui");
  const variants = readBorgUiVariants(pairs.map((pair) => assignment(pair, "--borg-ui-set")));
  if (typeof variants === "string") throw new UsageError(variants);
  return variants;
}

interface BorgUiSettings {
  host: string;
  "borg-ui-port": string;
  dataDir: string | undefined;
  control: boolean;
  "allow-host": string[];
  variants: Partial<BorgUiVariants>;
  log: ((line: string) => void) | undefined;
}

function runBorgUi(settings: BorgUiSettings): Promise<BorgUi> {
  const { startBorgUi } = require("../emulator/borgui") as typeof import("../emulator/borgui");
  const { host, dataDir, control, variants, log } = settings;
  const port = readPort("borg-ui-port", settings["borg-ui-port"]);
  const folder = dataDir === undefined ? undefined : join(dataDir, "borg-ui");
  const allowedHosts = settings["allow-host"];
  return startBorgUi({ host, port, dataDir: folder, control, allowedHosts, variants, log }).catch(
    (error: NodeJS.ErrnoException) => {
      throw portInUse(error, "--borg-ui-port", port);
    },
  );
}

/** An error for a port in use; any other error unchanged. */
function portInUse(error: NodeJS.ErrnoException & { port?: number }, flag: string, port: number): Error {
  if (error.code !== "EADDRINUSE") return error;
  return new Error(`port ${error.port ?? port} is in use: choose another with ${flag}, or 0 for a free one`);
}

function defaultFolder(): string {
  return join(process.env.XDG_DATA_HOME || join(homedir(), ".local", "share"), "pulumi-borgbase", "emulator");
}

function assignment(text: string, option = "--set"): [string, string] {
  const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new UsageError(`${option} takes NAME=VALUE, not ${text}`);
  return [name, value];
}

/** Resolves at the first SIGINT or SIGTERM; a second signal ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      process.once(name, () => {
        process.once(name, () => process.exit(1));
        resolve();
      });
    }
  });
}

/** The output of `--json`, for scripts. */
function jsonSummary(running: Emulator, borgUi: BorgUi | null, dataDir: string | undefined) {
  return {
    endpoint: running.endpoint,
    port: running.port,
    sshPort: running.ssh?.port ?? null,
    dataDir: dataDir ?? null,
    accounts: running.accounts,
    hostKeys: running.ssh?.hostKeys ?? [],
    ...running.names,
    borgUi: borgUi && {
      url: borgUi.url,
      port: borgUi.port,
      username: borgUi.username,
      password: borgUi.password,
      token: borgUi.token,
    },
  };
}

function borgUiSummary(borgUi: BorgUi | null): string {
  if (!borgUi) return "";
  return `A Borg UI server is running: user ${borgUi.username}, password ${borgUi.password}

  export BORG_UI_URL=${borgUi.url}
  export BORG_UI_TOKEN=${borgUi.token}

`;
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

  GraphQL API  ${running.endpoint}  (a page to try it, in a browser)
  SSH          ${options.host}:${running.ssh?.port}
  Data         ${dataDir ?? "a temporary folder, gone when it stops"}
  Control      ${options.control ? controlUrl : "off (start with --control)"}

${indented(table(["Account", "Password", "Level", "Token"], rows))}

To use it in another shell:

  export BORGBASE_ENDPOINT=${running.endpoint}
  export BORGBASE_TOKEN=${running.accounts[0].tokens.fullAccess}

${ownNames(running)}`;
}

/** Settings for clients that use BorgBase's own host names. */
function ownNames({ names }: Emulator): string {
  if (!names) return "";
  const { sshConfig, httpsProxy, caFile } = names;
  return `For clients that call api.borgbase.com or ID.repo.borgbase.com themselves:

  export BORG_RSH=${quoted(`ssh -F ${quoted(sshConfig)}`)}
  export HTTPS_PROXY=${httpsProxy}
  export SSL_CERT_FILE=${quoted(caFile)}    # restic: --cacert ${quoted(caFile)}

`;
}

/** A text quoted as one word of a POSIX shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function indented(text: string): string {
  return text.replace(/^/gm, "  ");
}
