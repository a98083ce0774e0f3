import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../provider/ssh/support/sshd";
import { untilDead } from "./processes";

export type Suite = "bookworm" | "trixie";

interface Options {
  suite: Suite;
  /** Whether borg and borgmatic are installed. Default true. Otherwise the host's package manager offers them. */
  borg?: boolean;
  /** A folder that the host sees under the same path, beside this package. It cannot write there. */
  folder?: string;
}

interface Result {
  code: number | null;
  output: string;
}

/** A Debian system of its own: systemd, sshd, cron and sudo, booted from the distribution's packages. */
export class MachineHost {
  private constructor(
    readonly name: string,
    readonly port: number,
    /** Logs in as root. */
    readonly privateKey: string,
    /** Fingerprint of its host key. */
    readonly hostKey: string,
    private readonly folder: string,
    private readonly process: ChildProcess,
  ) {}

  static async start({ suite, borg = true, folder: shared = PROJECT }: Options): Promise<MachineHost> {
    assert.equal(process.getuid?.(), 0, "the machine tests boot hosts of their own and need root");
    const tree = join(process.env.TEST_MACHINES ?? "", suite);
    const problem = process.env.TEST_MACHINES_PROBLEM ?? "run the tests with `npm test`";
    assert.ok(existsSync(join(tree, "base")), `the trees of the test hosts are missing: ${problem}`);
    const folder = mkdtempSync(join(tmpdir(), "borgbase-host-"));
    const name = `${suite}-${randomBytes(4).toString("hex")}`;
    const port = await freePort();
    const keys = seed(join(folder, "seed"), name, port);
    mkdirSync(join(folder, "overlay"));
    const layers = [...(borg ? ["borg"] : []), "base"].map((layer) => join(tree, layer)).join(":");
    const log = openSync(join(folder, "console"), "w");
    // The end of a process namespace's first process ends all others: the host ends with this process, whatever ends it.
    const isolated = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc"];
    const command = [...isolated, "--kill-child=KILL", "sh", "-c", BOOT, "sh", name, folder, layers, PROJECT, shared];
    const child = spawn("setpriv", ["--pdeathsig", "KILL", ...command], { stdio: ["ignore", log, log] });
    child.once("error", ({ message }) => writeFileSync(join(folder, "console"), message));
    closeSync(log);
    const host = new MachineHost(name, port, keys.privateKey, keys.hostKey, folder, child);
    try {
      await host.#answers();
      return host;
    } catch (error) {
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The argument `connection` of a job on this host. */
  get connection() {
    const { port, hostKey, privateKey } = this;
    return { host: "127.0.0.1", port, username: "root", hostKey, privateKey };
  }

  /** Runs a compiled module of this package with Node.js on the host. */
  node(module: string, input: unknown): Promise<string> {
    const node = join(PROJECT, "node_modules", "node", "bin", "node");
    const encoded = Buffer.from(JSON.stringify(input)).toString("base64");
    return this.output('"$1" "$2" "$3"', node, join(PROJECT, "dist", module), encoded);
  }

  /** Runs a script of a shell as root on the host, not over SSH. The output holds what it wrote to both streams. */
  async run(script: string, ...args: string[]): Promise<Result> {
    const { code, stdout, stderr } = await this.#enter(script, args);
    return { code, output: stdout + stderr };
  }

  /** Output of a script that must succeed, without the last line break. */
  async output(script: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#enter(script, args);
    assert.equal(code, 0, `${script}\n${stdout}${stderr}`);
    return stdout.replace(/\n$/, "");
  }

  /** Waits for the end of the boot. A unit of the distribution may have failed on a busy machine; no test needs it. */
  async booted(): Promise<void> {
    const { output } = await this.run("systemctl is-system-running --wait");
    assert.match(output, /^(running|degraded)$/m);
  }

  /** Waits until a script succeeds. */
  async until(script: string, seconds: number, what: string): Promise<void> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const { code, output } = await this.run(script);
      if (code === 0) return;
      if (Date.now() > end) throw new Error(`waited ${seconds} s in vain until ${what}: ${output}`);
      await delay(100);
    }
  }

  /** All paths below folders with their attributes and hashes: equal texts mean that nothing changed there. */
  fingerprint(...folders: string[]): Promise<string> {
    const find = `find "$@" -exec stat -c '%n %a %U %G %F' {} + 2>/dev/null | sort`;
    const hash = 'find "$@" -type f -exec sha256sum {} + 2>/dev/null | sort';
    return this.output(`${find}; ${hash}`, ...folders);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    const init = this.#init();
    this.process.kill("SIGKILL");
    await ended;
    await untilDead([init], 30);
    spawnSync("unshare", ["--mount", "--propagation", "private", "sh", "-c", CLEAN, "sh", this.name]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  // Without blocking this process: a test's emulator answers the host from here.
  #enter(script: string, args: string[]) {
    const command = ["env", "-i", PATH, "LC_ALL=C.UTF-8", "HOME=/root", "sh", "-c", `cd /; ${script}`, "sh", ...args];
    const child = spawn("nsenter", ["--target", String(this.#init()), "--all", ...command], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
      child.on("error", reject).on("close", (code) => resolve({ code, stdout, stderr }));
    });
  }

  /** The process id of the host's systemd: unshare starts systemd-nspawn, which starts it. */
  #init(): number {
    const child = (pid: number) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0]);
    return child(child(this.process.pid ?? 0));
  }

  async #answers(): Promise<void> {
    for (let attempt = 0; attempt < 600; attempt++) {
      if (this.process.exitCode !== null) {
        const reason = readFileSync(join(this.folder, "console"), "utf8").trim().split("\n").at(-1);
        throw new Error(
          `the machine tests boot hosts of their own, and this machine does not let them: ${reason}. They need namespaces, mounts and systemd-nspawn, as root of a machine or of a privileged container has them.`,
        );
      }
      const open = await new Promise<boolean>((resolve) => {
        const socket = connect(this.port, "127.0.0.1");
        socket.once("data", () => resolve(true)).once("error", () => resolve(false));
        socket.once("data", () => socket.destroy());
      });
      if (open) return;
      await delay(50);
    }
    throw new Error(`the test host does not answer: ${readFileSync(join(this.folder, "console"), "utf8").slice(-500)}`);
  }
}

/** This package and its Node.js, under the same path on the host. */
const PROJECT = join(__dirname, "..", "..", "..");

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// An upper layer in memory: one on disk may lie on an overlay itself, which overlayfs refuses.
// systemd needs a control group of version 2, which older machines do not mount there.
const BOOT = `set -e; name=$1; cd "$2"; layers=$3
mount -t tmpfs -o mode=755 tmpfs overlay; mkdir overlay/work overlay/root; cp -a seed overlay/upper
mount -t overlay overlay -o "lowerdir=$layers,upperdir=overlay/upper,workdir=overlay/work" overlay/root
umount -l /sys/fs/cgroup/* 2>/dev/null || :; umount -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$name"; echo $$ > "/sys/fs/cgroup/$name/cgroup.procs"
exec systemd-nspawn --register=no --keep-unit -q -D overlay/root -M "$name" --bind-ro="$4" --bind-ro="$5" --console=pipe --boot`;

const CLEAN = `umount -l /sys/fs/cgroup/* 2>/dev/null; umount -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup
find "/sys/fs/cgroup/$1" -depth -type d -exec rmdir {} +`;

/** Files that make a host one of its own. */
function seed(folder: string, name: string, port: number): { privateKey: string; hostKey: string } {
  const put = (path: string, content: string, mode = 0o644) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, path), content, { mode });
  };
  mkdirSync(folder, { mode: 0o755 });
  mkdirSync(join(folder, "root", ".ssh"), { recursive: true, mode: 0o700 });
  put("etc/hostname", `${name}\n`);
  put("etc/hosts", `127.0.0.1 localhost ${name}\n`);
  put("etc/machine-id", "");
  const options = ["PermitRootLogin prohibit-password", "MaxStartups 100", "HostKey /etc/ssh/ssh_host_ed25519_key"];
  put("etc/ssh/sshd_config.d/test.conf", [`Port ${port}`, "ListenAddress 127.0.0.1", ...options, ""].join("\n"));
  const make = (path: string) =>
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(folder, path)]);
  make("etc/ssh/ssh_host_ed25519_key");
  make("../admin");
  put("root/.ssh/authorized_keys", readFileSync(join(folder, "../admin.pub"), "utf8"), 0o600);
  const shown = execFileSync("ssh-keygen", ["-lf", join(folder, "etc/ssh/ssh_host_ed25519_key.pub")], {
    encoding: "utf8",
  });
  return { privateKey: readFileSync(join(folder, "../admin"), "utf8"), hostKey: shown.split(" ")[1] as string };
}
