import { strict as assert } from "node:assert";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestAccount, TestHost } from "../provider/ssh/support/accounts";
import { Sshd } from "../provider/ssh/support/sshd";
import { execute, type ProjectStack } from "./project";
import { authorizedKeys } from "./sshStack";

/** An account on a storage box of this machine: a real OpenSSH server, and a shell that knows a few commands. */
export class StorageBox {
  private constructor(
    private readonly host: TestHost,
    private readonly sshd: Sshd,
    private readonly account: TestAccount,
  ) {}

  static async start(): Promise<StorageBox> {
    const host = new TestHost();
    return new StorageBox(host, await Sshd.start(host), host.account({ shell: host.boxShell() }));
  }

  /** As examples/storage-box asks for it. */
  get config(): Record<string, string> {
    const { username, password } = this.account;
    const hostKey = this.sshd.hostKeys[0]?.fingerprintSha256 ?? "";
    return { host: "127.0.0.1", port: String(this.sshd.port), username, password, hostKey };
  }

  /** Backs up and restores with the key that the stack gives out, then tries what that key must not do. */
  async backsUp(stack: ProjectStack): Promise<void> {
    const { repository, privateKey, knownHosts } = await stack.outputs();
    const folder = join(this.host.folder, "laptop");
    mkdirSync(folder);
    writeFileSync(join(folder, "key"), String(privateKey), { mode: 0o600 });
    writeFileSync(join(folder, "known_hosts"), `${knownHosts}\n`);
    writeFileSync(join(folder, "precious"), "what must not get lost");
    const ssh = [
      "ssh -F none -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes",
      `-o UserKnownHostsFile=${folder}/known_hosts -o GlobalKnownHostsFile=none -i ${folder}/key`,
    ].join(" ");
    const borg = (...args: string[]) =>
      execute("borg", args, folder, {
        BORG_REPO: String(repository),
        BORG_RSH: ssh,
        BORG_PASSPHRASE: "of our own",
        BORG_BASE_DIR: join(folder, "base"),
      });
    for (const args of [["init", "--encryption", "repokey"], ["create", "::first", "precious"], ["list"]]) {
      const { ok, output } = await borg(...args);
      assert.ok(ok, `borg ${args.join(" ")}: ${output}`);
    }
    rmSync(join(folder, "precious"));
    assert.ok((await borg("extract", "::first")).ok);
    assert.ok(readdirSync(folder).includes("precious"));

    const elsewhere = await borg("init", "--encryption", "none", String(repository).replace(/[^/]+$/, "elsewhere"));
    assert.match(elsewhere.output, /not allowed|PathNotAllowed/i);
    const port = this.config.port ?? "";
    const [program = "", ...options] = ssh.split(" ");
    const target = [...options, "-p", port, `${this.account.username}@127.0.0.1`];
    for (const command of ["df", "touch elsewhere", "internal-sftp"]) {
      const other = await execute(program, [...target, command], folder);
      assert.doesNotMatch(other.output, /Filesystem/, "only borg serve is run, whatever is asked for");
    }
    assert.deepEqual(
      readdirSync(this.account.home).filter((name) => !name.startsWith(".")),
      ["laptop"],
    );
  }

  get authorizedKeys(): string | undefined {
    return authorizedKeys(this.account);
  }

  async close(): Promise<void> {
    await this.sshd.stop();
    this.host.remove();
  }
}
