import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuthorizedKey, SshServer, StorageBackend, StorageRepo } from "../../../emulator/storage";
import { startSshServer } from "../../../emulator/storage";

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A client key: the file for `ssh -i`, and the line that a repository lists. */
export interface ClientKey extends AuthorizedKey {
  file: string;
}

/** Runs a real program to its end, at most 30 s; never rejects. */
export function run(command: string, args: string[], options: { env?: NodeJS.ProcessEnv; input?: Buffer } = {}) {
  return new Promise<Result>((resolve) => {
    const env = { ...process.env, ...options.env };
    const limits = { timeout: 30_000, killSignal: "SIGKILL", maxBuffer: 1e8 } as const;
    const child = execFile(command, args, { env, ...limits }, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === "number" ? error.code : null) : 0, stdout, stderr });
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input);
  });
}

/** Waits for a condition, at most `limit` ms. */
export async function until(what: string, condition: () => boolean, limit = 120_000): Promise<void> {
  for (const start = Date.now(); !condition(); ) {
    if (Date.now() - start > limit) throw new Error(`${what}: not within ${limit} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Repositories, keys and an SSH server in a separate folder; the tests act as the API. */
export class Lab implements StorageBackend {
  root = "";
  readonly repos = new Map<string, StorageRepo>();
  readonly used: string[] = [];
  readonly logged: string[] = [];
  server!: SshServer;

  repo(id: string) {
    return this.repos.get(id);
  }

  keyUsed(keyId: string) {
    this.used.push(keyId);
  }

  async start(): Promise<void> {
    this.root ||= mkdtempSync(join(tmpdir(), "storage-"));
    mkdirSync(join(this.root, "home"), { recursive: true });
    this.server = await startSshServer({
      port: 0,
      hostKeyDir: join(this.root, "host-keys"),
      backend: this,
      log: (line) => this.logged.push(line),
    });
    writeFileSync(
      this.knownHosts,
      this.server.hostKeys.map((key) => `[127.0.0.1]:${this.server.port} ${key.publicKey}\n`).join(""),
    );
  }

  async stop(): Promise<void> {
    await this.server.close();
    rmSync(this.root, { recursive: true, force: true });
  }

  get knownHosts() {
    return join(this.root, "known_hosts");
  }

  add(id: string, values: Partial<StorageRepo> = {}): StorageRepo {
    const repo: StorageRepo = {
      id,
      format: "borg1",
      dir: join(this.root, "repos", id),
      appendOnly: false,
      keys: { full: [], appendOnly: [], rsync: [] },
      quotaMb: null,
      sftpEnabled: false,
      htpasswd: null,
      borgVersion: "LATEST",
      ...values,
    };
    this.repos.set(id, repo);
    return repo;
  }

  /** Makes a key of `type` with the real ssh-keygen. */
  async key(id: string, type = "ed25519"): Promise<ClientKey> {
    const file = join(this.root, id);
    await run("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", file]);
    const [, blob] = readFileSync(`${file}.pub`, "utf8").split(" ");
    if (!blob) throw new Error(`ssh-keygen made no ${type} key`);
    return { id, blob, file };
  }

  sshOptions(key: ClientKey): string[] {
    const options = {
      BatchMode: "yes",
      IdentitiesOnly: "yes",
      IdentityAgent: "none",
      StrictHostKeyChecking: "yes",
      UserKnownHostsFile: this.knownHosts,
      GlobalKnownHostsFile: "/dev/null",
      UpdateHostKeys: "no",
      ConnectTimeout: "10",
    };
    return [
      "-F",
      "none",
      "-i",
      key.file,
      ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    ];
  }

  ssh(key: ClientKey, user: string, ...rest: string[]): Promise<Result> {
    return run("ssh", [...this.sshOptions(key), "-p", String(this.server.port), `${user}@127.0.0.1`, ...rest]);
  }

  url(id: string, path = "/./repo"): string {
    return `ssh://${id}@127.0.0.1:${this.server.port}${path}`;
  }

  borgEnv(key: ClientKey): NodeJS.ProcessEnv {
    return {
      BORG_RSH: ["ssh", ...this.sshOptions(key)].join(" "),
      BORG_BASE_DIR: join(this.root, "home"),
      BORG_SELFTEST: "disabled",
      BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: "yes",
      BORG_RELOCATED_REPO_ACCESS_IS_OK: "yes",
    };
  }

  borg(key: ClientKey, args: string[], input?: Buffer): Promise<Result> {
    return run("borg", args, { env: this.borgEnv(key), ...(input ? { input } : {}) });
  }

  /** A `borg create` that holds its lock and waits for more input, in its own process group. */
  async stalledBackup(key: ClientKey, repo: StorageRepo): Promise<ChildProcess> {
    const client = spawn("borg", ["create", "--compression=none", `${this.url(repo.id)}::stalled`, "-"], {
      env: { ...process.env, ...this.borgEnv(key) },
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    client.stdin?.on("error", () => {});
    client.stdin?.write(noise(12e6));
    const segments = () => {
      try {
        return readdirSync(join(repo.dir, "repo", "data", "0")).length;
      } catch {
        return 0;
      }
    };
    const before = segments();
    await until("data of the stalled backup", () => this.serving(repo) === 1 && segments() > before);
    return client;
  }

  /** The number of processes with the repository's folder in their command line. */
  serving(repo: StorageRepo): number {
    return readdirSync("/proc").filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(repo.dir);
      } catch {
        return false;
      }
    }).length;
  }
}

/** Incompressible bytes without repetition, the same at each call. */
export function noise(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0, state = seed; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
