import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deploy, type Step } from "../../provider/machine/deploy";
import { onRemoteMachine } from "../../provider/machine/host/remote";
import { JobStack, Storage } from "../support/backupJob";
import { MachineHost } from "../support/machineHost";
import { ROOT } from "../support/project";

const FOLDERS = ["/etc", "/var/lib/pulumi-borgbase"];
const CREATION: Step[] = ["claim", "stage", "repository", "replace", "schedule", "ready"];
/** Before the first of them, nothing has changed for a job that runs. */
const ROTATION: Step[] = ["stage", "repository", "replace"];

describe("Faults of a BackupJob", function () {
  this.timeout(300_000);
  let host: MachineHost;
  let storage: Storage;
  let key: Awaited<ReturnType<Storage["key"]>>;
  let untouched: string;
  before(async () => {
    [host, storage] = await Promise.all([MachineHost.start({ suite: "trixie" }), Storage.start()]);
    key = await storage.key();
    await host.booted();
    untouched = await host.fingerprint(...FOLDERS);
  });
  after(async () => {
    await host?.stop();
    await storage?.stop();
  });

  async function job(name: string, change: object = {}, origin?: string): Promise<JobStack> {
    const { repoPath } = await storage.repository(key.id, name);
    const args = {
      connection: host.connection,
      repository: repoPath,
      repositoryHostKeys: storage.hostKeys,
      privateKey: key.privateKey,
      passphrase: "first",
      paths: ["/srv"],
      checks: [],
      ...change,
    };
    return new JobStack(name, args, origin);
  }

  /** Deploys until a step has ended, as a run that is killed there. */
  async function interrupt(stack: JobStack, step: Step, old?: unknown): Promise<void> {
    const { connection, ...args } = stack.args;
    const { privateKey, ...where } = connection as MachineHost["connection"];
    const inputs = { connection, ...args, name: stack.name, user: "root", encryption: "repokey-blake2" };
    const afterStep = (ended: Step) => {
      if (ended === step) throw new Error("killed");
    };
    const origin = `project/stack/${stack.name}`;
    const target = { ...where, credentials: [{ privateKey }] };
    const run = onRemoteMachine(target, { sudo: false }, (machine) =>
      deploy(machine, { inputs, old, origin, afterStep } as unknown as Parameters<typeof deploy>[1]),
    );
    await assert.rejects(run, /killed/);
  }

  const backUp = (name: string) => host.output(`systemctl start borgbase-${name}.service`);
  const archives = async (name: string) => {
    const list = await host.output(`/etc/pulumi-borgbase/${name}/borg list --short`);
    return list.split("\n").filter(Boolean).length;
  };

  for (const step of CREATION) {
    it(`A creation that was killed after "${step}" can be finished, and deleted`, async () => {
      const stack = await job(`c-${step}`);
      await interrupt(stack, step);
      await stack.up();
      assert.deepEqual(await stack.refresh(), []);
      await stack.destroy();
      assert.equal(await host.fingerprint(...FOLDERS), untouched);
    });
  }

  it("A creation that was killed and then got another name is reported, and removed as the guide says", async () => {
    const stack = await job("left");
    await interrupt(stack, "schedule");
    stack.args.name = "renamed";
    await stack.up();
    assert.match(stack.lines.join("\n"), /has left \/etc\/pulumi-borgbase\/left on .*docs\/machines\.md/);
    const section = readFileSync(join(ROOT, "docs/machines.md"), "utf8").split("## An interrupted creation")[1];
    const [, commands = ""] = /```sh\n(.*?)```/s.exec(section ?? "") ?? [];
    await host.output(commands.replaceAll("NAME", "left"));
    stack.lines.length = 0;
    assert.deepEqual(await stack.refresh(), []);
    await stack.destroy();
    assert.equal(await host.fingerprint(...FOLDERS), untouched);
  });

  it("Versions below the minimum are refused before anything changes", async () => {
    const stack = await job("old", { minimum: { borg: "99.0" } });
    await assert.rejects(stack.up(), /has borg 1\.4\.0, and minimum\.borg is 99\.0/);
    assert.equal(await host.fingerprint(...FOLDERS), untouched);
  });

  it("A rotation of passphrase and key that was killed after any step leaves a job that the next run finishes", async () => {
    const stack = await job("rotated");
    await stack.up();
    for (const step of ROTATION) {
      const next = await storage.key(step);
      await storage.console.edit(
        (await storage.console.repos()).find(({ name }) => name === "rotated")?.id as string,
        `fullAccessKeys: ["${next.id}"]`,
      );
      Object.assign(stack.args, { privateKey: next.privateKey, passphrase: `after ${step}` });
      await interrupt(stack, step, stack.state);
      await stack.up();
      assert.deepEqual(await stack.refresh(), [], step);
    }
    await backUp(stack.name);
    assert.equal(await archives(stack.name), 1);
    await stack.destroy();
  });

  it("A passphrase that never was the repository's is refused, and the job keeps the one it has", async () => {
    const stack = await job("foreign");
    await stack.up();
    const id = stack.state?.repositoryId;
    const other = await job("second", { repository: stack.args.repository, passphrase: "another" });
    await assert.rejects(other.up(), /does not open the repository/);
    await backUp(stack.name);
    assert.equal(stack.state?.repositoryId, id);
    await stack.destroy();
    other.args.passphrase = "first";
    await other.up();
    assert.equal(other.state?.repositoryId, id, "a repository that exists is used");
    await other.destroy();
  });

  it("A job of another stack, and files of nobody, are refused before anything changes", async () => {
    const ours = await job("shared");
    await ours.up();
    const theirs = await job("shared", {}, "project/other/shared");
    const before = await host.fingerprint(...FOLDERS);
    await assert.rejects(theirs.up(), /belongs to project\/stack\/shared/);
    assert.equal(await host.fingerprint(...FOLDERS), before);
    await ours.destroy();
    await host.output("echo '[Service]' > /etc/systemd/system/borgbase-shared.service");
    const strange = await host.fingerprint(...FOLDERS);
    await assert.rejects(ours.up(), /borgbase-shared\.service on .* exists/);
    assert.equal(await host.fingerprint(...FOLDERS), strange);
    await host.output("rm /etc/systemd/system/borgbase-shared.service");
  });

  it("A server with another host key than declared gets no key, and the error shows both", async () => {
    const declared = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const stack = await job("mismatch", { repositoryHostKeys: [declared] });
    const [shown] = storage.hostKeys;
    await assert.rejects(stack.up(), (error: Error) => {
      assert.ok(error.message.includes(declared) && error.message.includes(shown as string), error.message);
      return true;
    });
    stack.args.repositoryHostKeys = storage.hostKeys;
    await stack.up();
    await stack.destroy();
    assert.equal(await host.fingerprint(...FOLDERS), untouched);
  });

  it("A host whose /etc is read-only is refused with the reason", async () => {
    const stack = await job("readonly");
    await host.output("mount --bind /etc /etc && mount -o remount,ro,bind /etc");
    try {
      await assert.rejects(stack.up(), /\/etc of .* is read-only/);
    } finally {
      await host.output("umount /etc");
    }
  });

  it("Start-up files that print, and jobs that are made at once, disturb no deployment", async () => {
    await host.output("cp /root/.bashrc /root/bashrc 2>/dev/null; echo 'echo noise; echo more >&2' > /root/.bashrc");
    const stacks = await Promise.all(["one", "two", "three"].map((name) => job(name)));
    await Promise.all(stacks.map((stack) => stack.up()));
    for (const stack of stacks) assert.deepEqual(await stack.refresh(), []);
    await Promise.all(stacks.map((stack) => backUp(stack.name)));
    assert.deepEqual(await Promise.all(stacks.map(({ name }) => archives(name))), [1, 1, 1]);
    await Promise.all(stacks.map((stack) => stack.destroy()));
    assert.equal(await host.fingerprint(...FOLDERS), untouched);
  });

  it("A repository that moved is accepted once, and another repository is refused", async () => {
    const stack = await job("moved");
    await stack.up();
    await backUp(stack.name);
    const { repository } = stack.args;
    stack.args.repository = String(repository).replace("127.0.0.1", "localhost");
    await stack.up();
    await backUp(stack.name);
    assert.equal(await archives(stack.name), 2);
    const { repoPath } = await storage.repository(key.id, "elsewhere");
    stack.args.repository = repoPath;
    await assert.rejects(stack.up(), /There is no repository at .* this job backs up to/);
    await backUp(stack.name);
    stack.args.repository = String(repository).replace("127.0.0.1", "localhost");
    await stack.up();
    assert.equal(await archives(stack.name), 3);
    await stack.destroy();
  });
});
