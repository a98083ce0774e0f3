import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMMANDS } from "../../cli/commands";
import { MAIN } from "../support/project";

describe("pulumi-borgbase command line", () => {
  const running: ChildProcess[] = [];
  afterEach(() => {
    for (const child of running.splice(0)) child.kill("SIGKILL");
  });

  function start(...args: string[]) {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    running.push(child);
    const output = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output.out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output.err += text;
    });
    const ended = once(child, "close").then(([code]) => code as number | null);
    /** Resolves when the output matches the pattern; rejects when the process exits first. */
    const shows = async (pattern: RegExp) => {
      let over = false;
      void ended.then(() => {
        over = true;
      });
      while (!pattern.test(output.out)) {
        if (over) throw new Error(`ended without ${pattern}: ${output.out}${output.err}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    return { child, output, ended, shows };
  }

  async function run(...args: string[]) {
    const { output, ended } = start(...args);
    return { code: await ended, ...output };
  }

  it("The command pulumi-borgbase prints its help and its version", async () => {
    const { code, out } = await run("--help");
    assert.equal(code, 0);
    assert.match(out, /^Usage: pulumi-borgbase COMMAND/);
    assert.match(out, /^ {2}emulator +\S/m);
    assert.match(out, /^Example:\n {2}pulumi-borgbase /m);
    assert.match((await run("--version")).out, /^\d+\.\d+\.\d+\n$/);
  });

  for (const command of Object.keys(COMMANDS)) {
    it(`The command pulumi-borgbase ${command} prints its help with an example`, async () => {
      const { code, out } = await run(command, "--help");
      assert.equal(code, 0);
      assert.match(out, new RegExp(`^Usage: .*pulumi-borgbase ${command}`));
      assert.match(out, new RegExp(`^Examples?:\\n {2}.*pulumi-borgbase ${command}`, "m"));
      assert.deepEqual(await run(command, "-h"), { code: 0, out, err: "" });
    });
  }

  for (const [args, wording] of [
    [["nope"], "pulumi-borgbase: unknown command nope; see pulumi-borgbase --help"],
    [["--nope"], "pulumi-borgbase: unknown option --nope; see pulumi-borgbase --help"],
    [["emulator", "--nope"], "pulumi-borgbase emulator: Unknown option '--nope'; see pulumi-borgbase emulator --help"],
    [
      ["emulator", "--port", "many"],
      "pulumi-borgbase emulator: --port takes a number from 0 to 65535, not many; see pulumi-borgbase emulator --help",
    ],
    [
      ["emulator", "--borg-ui-set", "plan=pro"],
      "pulumi-borgbase emulator: --borg-ui-set needs --borg-ui; see pulumi-borgbase emulator --help",
    ],
    [
      ["emulator", "--borg-ui", "--borg-ui-set", "plan=gold"],
      'pulumi-borgbase emulator: plan: Invalid option: expected one of "community"|"pro"|"enterprise"; see pulumi-borgbase emulator --help',
    ],
    [
      ["emulator", "--set", "missing=x"],
      'pulumi-borgbase emulator: missing: Invalid option: expected one of "error"|"null"; see pulumi-borgbase emulator --help',
    ],
    [
      ["emulator", "--memory", "--data", "x"],
      "pulumi-borgbase emulator: --memory and --data exclude each other; see pulumi-borgbase emulator --help",
    ],
  ] as const) {
    it(`The command pulumi-borgbase ${args.join(" ")} is refused in one line with exit code 64`, async () => {
      assert.deepEqual(await run(...args), { code: 64, out: "", err: `${wording}\n` });
    });
  }

  it("The emulator command prints its addresses, keeps its data over a restart and stops at SIGINT and SIGTERM", async () => {
    const folder = await mkdtemp(join(tmpdir(), "emulator-cli-"));
    const args = ["emulator", "--port", "0", "--ssh-port", "0", "--data", folder];
    try {
      const first = start(...args, "--set", "repoLimit=0");
      await first.shows(/export BORGBASE_TOKEN=\S+\n/);
      const { out } = first.output;
      const [, endpoint = ""] = /export BORGBASE_ENDPOINT=(\S+)/.exec(out) ?? [];
      const [, token = ""] = /export BORGBASE_TOKEN=(\S+)/.exec(out) ?? [];
      for (const part of [folder, "demo@example.com", "other@example.com", "Create Only", "Ctrl+C"]) {
        assert.ok(out.includes(part), part);
      }
      const proxy = endpoint.replace("/graphql", "");
      assert.ok(out.includes(`export BORG_RSH='ssh -F ${folder}/ssh_config'\n`), out);
      assert.ok(out.includes(`export HTTPS_PROXY=${proxy}\n`), out);
      assert.ok(out.includes(`export SSL_CERT_FILE=${folder}/tls/ca.pem `), out);
      const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
      const query = 'mutation { repoAdd(name: "r", region: "eu") { repoAdded { id } } }';
      const answer = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify({ query }) });
      assert.match(await answer.text(), /Over quota or too many repos/);
      await first.shows(/^repoAdd 200 .* demo@example\.com fullAccess · Over quota/m);
      first.child.kill("SIGINT");
      assert.equal(await first.ended, 0);
      assert.equal(first.output.err, "");

      const second = start(...args, "--json");
      await second.shows(/\n/);
      const facts = JSON.parse(second.output.out);
      assert.equal(facts.accounts[0].tokens.fullAccess, token);
      assert.equal(facts.dataDir, folder);
      assert.deepEqual(
        [facts.sshConfig, facts.caFile, facts.httpsProxy],
        [join(folder, "ssh_config"), join(folder, "tls", "ca.pem"), `http://127.0.0.1:${facts.port}`],
      );
      assert.deepEqual(
        facts.hostKeys.map((key: { type: string }) => key.type),
        ["rsa", "ecdsa", "ed25519"],
      );
      const other = await run("emulator", "--memory", "--ssh-port", "0", "--port", String(facts.port));
      assert.deepEqual([other.code, other.out], [1, ""]);
      assert.match(other.err, new RegExp(`^pulumi-borgbase emulator: port ${facts.port} is in use: .*--port.*\n$`));
      const third = await run("emulator", "--memory", "--port", "0", "--ssh-port", String(facts.sshPort));
      assert.match(third.err, new RegExp(`port ${facts.sshPort} is in use: .*--ssh-port`));
      second.child.kill("SIGTERM");
      assert.equal(await second.ended, 0);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("The emulator runs Borg UI with --borg-ui, whose rows survive a kill -9 as they are", async () => {
    const folder = await mkdtemp(join(tmpdir(), "emulator-cli-"));
    const silent = createServer((socket) => void socket.on("error", () => {})).listen(0, "127.0.0.1");
    await once(silent, "listening");
    try {
      const args = ["emulator", "--data", folder, "--port", "0", "--ssh-port", "0", "--borg-ui", "--borg-ui-port", "0"];
      const first = start(...args);
      await first.shows(/export BORG_UI_TOKEN=\S+/);
      const [, url] = /export BORG_UI_URL=(\S+)/.exec(first.output.out) ?? [];
      const [, token] = /export BORG_UI_TOKEN=(\S+)/.exec(first.output.out) ?? [];
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      const post = (path: string, body: unknown) =>
        fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
      const made = (await (await post("/api/ssh-keys/generate", { name: "k", key_type: "ed25519" })).json()) as {
        ssh_key: { id: number };
      };
      const { port } = silent.address() as AddressInfo;
      const target = { host: "127.0.0.1", port, username: "u", password: "p" };
      const deploying = post(`/api/ssh-keys/${made.ssh_key.id}/deploy`, target).catch((error: Error) => error);
      await once(silent, "connection");
      first.child.kill("SIGKILL");
      assert.ok((await deploying) instanceof Error);
      await first.ended;

      const second = start(...args, "--borg-ui-set", "plan=pro", "--json");
      await second.shows(/\n/);
      const { borgUi } = JSON.parse(second.output.out);
      assert.equal(borgUi.token, token);
      const list = await fetch(`${borgUi.url}/api/ssh-keys/connections`, { headers });
      const { connections } = (await list.json()) as { connections: { status: string }[] };
      assert.deepEqual([connections.length, connections[0]?.status], [1, "testing"]);
      assert.match(await (await fetch(`${borgUi.url}/api/system/info`)).text(), /"plan":"pro"/);
      second.child.kill("SIGTERM");
      assert.equal(await second.ended, 0);
    } finally {
      silent.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
