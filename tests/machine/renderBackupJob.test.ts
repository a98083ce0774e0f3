import assert from "node:assert/strict";
import { utils } from "ssh2";
import { renderBackupJob } from "../../provider/functions/renderBackupJob";
import type { RenderBackupJobArgs } from "../../provider/schema/renderBackupJob";
import { Subject } from "../emulator/support";
import { context } from "../provider/support";
import { MachineHost, type Suite } from "../support/machineHost";

/** cloud-init runs a script from a file of its own. Debian's `sh` is dash. */
const RUN = 'cd /; printf %s "$1" > /root/job.sh; sh /root/job.sh';
const RUN_BY_BUSYBOX = RUN.replace("; sh", "; busybox sh");

/** The script of a rendered job on real hosts, against real repositories. */
describe("Script of renderBackupJob", () => {
  let borgbase: Subject;
  before(async () => {
    borgbase = await Subject.start({ storage: true });
  });
  after(() => borgbase.close());

  /** Arguments of a job with a new repository. */
  async function newJob(change: Partial<RenderBackupJobArgs> = {}): Promise<RenderBackupJobArgs> {
    const pair = utils.generateKeyPairSync("ed25519");
    const id = await borgbase.addRepo({ appendOnlyKeys: [await borgbase.addKey("machine", pair.public)] });
    const { repoPath, server } = (
      await borgbase.ask(
        `{ repo(repoId: "${id}") { repoPath server { fingerprintRsa fingerprintEcdsa fingerprintEd25519 } } }`,
      )
    ).data.repo;
    return {
      name: "web",
      repository: repoPath,
      repositoryHostKeys: Object.values(server),
      privateKey: pair.private,
      passphrase: 'it\'s "so" $HOME',
      paths: ["/etc/hostname"],
      ...change,
    };
  }

  const render = (args: RenderBackupJobArgs) => renderBackupJob.run(args, context());

  const CASES: [Suite, borgmaticVersion: string, borg: boolean][] = [
    ["bookworm", "1.7.7", true],
    ["trixie", "1.9.14", false],
  ];
  for (const [suite, borgmaticVersion, borg] of CASES) {
    it(`The script sets a job up on ${suite}, ${borg ? "" : "installs its programs, "}changes nothing when it runs again, and updates it in place`, async () => {
      const host = await MachineHost.start({ suite, borg });
      try {
        const args = await newJob({ borgmaticVersion });
        const { script, files } = await render(args);
        await host.output(RUN, script);
        for (const { path, mode, owner } of files) {
          assert.equal(await host.output('stat -c "0%a %U" "$1"', path), `${mode} ${owner}`, path);
        }
        assert.equal(
          await host.output("systemctl show -p UnitFileState -p ActiveState --value borgbase-web.timer"),
          "active\nenabled",
        );
        await host.output("systemctl start borgbase-web.service");
        assert.match(await host.output("/etc/pulumi-borgbase/web/borg list --short"), /-web-\d{4}-/);
        const found = await host.fingerprint("/etc");
        for (const run of [RUN, RUN_BY_BUSYBOX]) {
          await host.output(run, script);
          assert.equal(await host.fingerprint("/etc"), found);
        }
        const archives = () => host.output("/etc/pulumi-borgbase/web/borg list --short");
        assert.equal((await archives()).split("\n").length, 1);
        await updatesInPlace(host, args, archives);
      } finally {
        await host.stop();
      }
    });
  }

  /** Another passphrase and schedule; then an interrupted change of it, and a passphrase of another repository. */
  async function updatesInPlace(host: MachineHost, args: RenderBackupJobArgs, archives: () => Promise<string>) {
    const before = await archives();
    const id = '/etc/pulumi-borgbase/web/borg info --json | grep -o \'"id": *"[0-9a-f]*"\' | tail -1';
    const repository = await host.output(id);
    const changed = { ...args, passphrase: "another", schedule: { at: "01:23" } };
    await host.output(RUN_BY_BUSYBOX, (await render(changed)).script);
    assert.equal(await archives(), before);
    assert.equal(await host.output(id), repository);
    assert.match(await host.output("systemctl cat borgbase-web.timer"), /^OnCalendar=.*01:23/m);
    await host.output("systemctl start borgbase-web.service");
    const files = "ls -A /etc/pulumi-borgbase/web";
    assert.equal(await host.output(files), "borg\nconfig.yaml\nid\nknown_hosts\npassphrase");

    // As a run that ended between the change and the move of its file.
    const third = { ...changed, passphrase: "third" };
    await host.output("BORG_NEW_PASSPHRASE=third /etc/pulumi-borgbase/web/borg key change-passphrase");
    await host.output(RUN, (await render(third)).script);
    await host.output("systemctl start borgbase-web.service");
    assert.equal((await archives()).split("\n").length, 3);

    await host.output("BORG_NEW_PASSPHRASE=foreign /etc/pulumi-borgbase/web/borg key change-passphrase");
    const { code, output } = await host.run(RUN, (await render(third)).script);
    assert.equal(code, 1);
    assert.match(output, /^backup job web: the passphrase does not open its repository$/m);
  }

  it("The script stops with the reason, and leaves no schedule", async () => {
    const host = await MachineHost.start({ suite: "bookworm" });
    const fails = async (args: RenderBackupJobArgs, reason: RegExp) => {
      const { code, output } = await host.run(RUN, (await render(args)).script);
      assert.equal(code, 1, output);
      assert.match(output, reason);
      assert.doesNotMatch(await host.output("ls /etc/systemd/system"), /borgbase-/);
    };
    try {
      const args = await newJob({ borgmaticVersion: "1.7.7" });
      const other = `SHA256:${"A".repeat(43)}`;
      await fails(
        { ...args, repositoryHostKeys: [other] },
        /^backup job web: the server 127\.0\.0\.1:\d+ presented SHA256:/m,
      );
      await fails(
        { ...args, borgmaticVersion: "1.9.14" },
        /^backup job web: borgmatic 1\.7\.7 does not read the configuration/m,
      );
      await fails({ ...args, initialize: false }, /^backup job web: there is no repository at ssh:/m);
      await fails({ ...args, user: "nobody2" }, /^backup job web: there is no account nobody2$/m);
      const stranger = utils.generateKeyPairSync("ed25519").private;
      await fails({ ...args, privateKey: stranger }, /^backup job web: cannot open its repository/m);
      await host.output("mkdir -p /etc/pulumi-borgbase/web; echo {} > /etc/pulumi-borgbase/web/manifest.json");
      await fails(args, /^backup job web: is managed by a BackupJob of Pulumi/m);
    } finally {
      await host.stop();
    }
  });

  it("The script sets a job of another account up under cron, and starts its first backup", async () => {
    const host = await MachineHost.start({ suite: "bookworm" });
    try {
      await host.output("useradd -r -g staff app");
      const args = await newJob({ borgmaticVersion: "1.7.7", user: "app", scheduler: "cron", firstBackup: "start" });
      await host.output(RUN, (await render(args)).script);
      assert.match(await host.output("cat /etc/cron.d/borgbase-web"), /^\d+ \d \* \* \* app /m);
      assert.equal(
        await host.output("stat -c '%a %U:%G' /etc/pulumi-borgbase/web /etc/pulumi-borgbase/web/id"),
        "750 root:staff\n600 app:staff",
      );
      await host.until("/etc/pulumi-borgbase/web/borg list --short | grep .", 60, "the first backup is there");
    } finally {
      await host.stop();
    }
  });
});
