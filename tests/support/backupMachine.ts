import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Emulator } from "../../emulator";
import { until } from "./processes";
import { execute, type Result } from "./project";

/** A machine that runs one `borg create` after the other over SSH, with the key file that is named when each begins. */
export class BackupMachine {
  readonly backups: Result[] = [];
  private begun = 0;
  private keyFiles = 0;
  private resting = false;
  private work: Promise<void> | undefined;

  private constructor(
    private readonly folder: string,
    private readonly repository: string,
  ) {}

  static async start(emulator: Emulator, repository: string, privateKey: string): Promise<BackupMachine> {
    const machine = new BackupMachine(mkdtempSync(join(tmpdir(), "borgbase-machine-")), repository);
    const host = `[127.0.0.1]:${emulator.ssh?.port}`;
    const hostKeys = (emulator.ssh?.hostKeys ?? []).map(({ publicKey }) => `${host} ${publicKey}\n`);
    writeFileSync(join(machine.folder, "known_hosts"), hostKeys.join(""));
    writeFileSync(join(machine.folder, "precious"), "what must not get lost");
    machine.useKey(privateKey);
    const { ok, output } = await machine.borg("init", "--encryption", "repokey");
    assert.ok(ok, output);
    machine.work = machine.backUp();
    return machine;
  }

  /** The key of all that begins from now on. A backup that runs keeps its file: ssh reads one twice per connection. */
  useKey(privateKey: string): void {
    this.keyFiles += 1;
    writeFileSync(this.keyFile, privateKey, { mode: 0o600 });
  }

  private get keyFile(): string {
    return join(this.folder, `key-${this.keyFiles}`);
  }

  borg(...args: string[]): Promise<Result> {
    return execute("borg", args, this.folder, {
      BORG_REPO: this.repository,
      BORG_PASSPHRASE: "of our own",
      BORG_BASE_DIR: join(this.folder, "base"),
      BORG_RSH: [
        "ssh -F none -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o StrictHostKeyChecking=yes",
        `-o UserKnownHostsFile=${this.folder}/known_hosts -o GlobalKnownHostsFile=none -i ${this.keyFile}`,
      ].join(" "),
    });
  }

  /** Waits until so many backups have ended that began after this call. */
  async backsUp(count: number): Promise<void> {
    const enough = this.begun + count;
    await until(() => this.backups.length >= enough, 300, `${count} backups have ended`);
  }

  /** Begins no further backup, and waits for the one that runs. */
  async rests(): Promise<void> {
    this.resting = true;
    await this.work;
  }

  async close(): Promise<void> {
    await this.rests();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async backUp(): Promise<void> {
    while (!this.resting) {
      this.begun += 1;
      this.backups.push(await this.borg("create", `::${this.begun}`, "precious"));
    }
  }
}
