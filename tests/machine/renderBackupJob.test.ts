import assert from "node:assert/strict";
import { utils } from "ssh2";
import { renderBackupJob } from "../../provider/functions/renderBackupJob";
import type { RenderBackupJobArgs } from "../../provider/schema/renderBackupJob";
import { Subject } from "../emulator/support";
import { context } from "../provider/support";
import { MachineHost, type Suite } from "../support/machineHost";

/** cloud-init runs a script from a file of its own. */
const RUN = 'cd /; printf %s "$1" > /root/job.sh; sh /root/job.sh';

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
    it(`The script sets a job up on ${suite}, ${borg ? "" : "installs its programs, "}and changes nothing when it runs again`, async () => {
      const host = await MachineHost.start({ suite, borg });
      try {
        const { script, files } = await render(await newJob({ borgmaticVersion }));
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
        await host.output(RUN, script);
        assert.equal(await host.fingerprint("/etc"), found);
        const archives = await host.output("/etc/pulumi-borgbase/web/borg list --short");
        assert.equal(archives.split("\n").length, 1);
      } finally {
        await host.stop();
      }
    });
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
