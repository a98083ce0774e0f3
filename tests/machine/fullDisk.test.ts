import assert from "node:assert/strict";
import { generate } from "../../provider/ssh/keys";
import { JobStack } from "../support/backupJob";
import { MachineHost } from "../support/machineHost";

const NAME = "web";

/** Where a file system of its own may lie, and what it lacks. */
const CASES = [
  [`/etc/pulumi-borgbase/${NAME}`, "room", "size=256k"],
  [`/var/lib/pulumi-borgbase/${NAME}`, "room", "size=256k"],
  ["/etc/systemd/system", "room", "size=256k"],
  ["/etc/systemd/system", "inodes", "size=2m,nr_inodes=64"],
] as const;

describe("A full disk below a BackupJob", function () {
  this.timeout(300_000);
  let host: MachineHost;
  let job: JobStack;
  before(async () => {
    const [booted, key] = await Promise.all([MachineHost.start({ suite: "trixie" }), generate()]);
    host = booted;
    await host.booted();
    job = new JobStack(NAME, {
      connection: host.connection,
      repository: "/srv/repository",
      privateKey: key.privateKey,
      passphrase: "of the job",
      paths: ["/etc/hostname"],
      checks: [],
      schedule: { at: "02:30" },
    });
    await job.up();
  });
  after(async () => {
    await host?.stop();
  });

  /** Puts the content of a folder on a file system that has no room left. */
  const fill = (place: string, options: string) =>
    host.output(
      `mkdir /tmp/copy; cp -a "$1"/. /tmp/copy; mount -t tmpfs -o "$2,mode=$(stat -c %a "$1")" full "$1"; cp -a /tmp/copy/. "$1"; rm -r /tmp/copy
       { head -c 10M /dev/zero > "$1/filler"; i=0; while [ $i -lt 1000 ] && true > "$1/filler$i"; do i=$((i+1)); done; } 2>/dev/null; :`,
      place,
      options,
    );
  /** Gives the room back. */
  const free = (place: string) => host.output('rm -f "$1"/filler*', place);
  /** Back to the disk below, with what the job has there now. */
  const leave = (place: string) =>
    host.output('mkdir /tmp/copy; cp -a "$1"/. /tmp/copy; umount "$1"; cp -a /tmp/copy/. "$1"; rm -r /tmp/copy', place);
  /** Files that the job is run with. */
  const inForce = async () => {
    const lines = (await host.fingerprint("/etc/pulumi-borgbase", "/etc/systemd/system")).split("\n");
    return lines.filter((line) => !/manifest|\.new|\.old|\.probe|filler/.test(line)).join("\n");
  };
  const backUp = () => host.output(`systemctl start borgbase-${NAME}.service`);

  for (const [index, [place, what, options]] of CASES.entries()) {
    it(`A deployment onto ${place} without ${what} fails in one line, and the job that is there goes on`, async () => {
      await fill(place, options);
      const before = await inForce();
      const [passphrase, exclude, schedule] = [`of the job ${index}`, [`*.${index}`], { at: `03:1${index}` }];
      Object.assign(job.args, { passphrase, exclude, schedule });
      await assert.rejects(job.up(), (error: Error) => {
        assert.match(error.message, /No space left on device/);
        assert.doesNotMatch(error.message, /\n|Traceback|Platform/);
        assert.ok(error.message.length < 300, error.message);
        return true;
      });
      assert.equal(await inForce(), before, "nothing is replaced");
      await free(place);
      await backUp();
      await job.up();
      assert.deepEqual(await job.refresh(), []);
      await leave(place);
      await backUp();
    });
  }
});
