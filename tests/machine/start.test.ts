import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { MachineHost } from "../support/machineHost";
import { execute, ROOT } from "../support/project";

/** A built clone of this package that the host may write to, over the one that it sees. */
const CLONE = `mkdir -p /srv/clone /run/clone
mount -t tmpfs tmpfs /run/clone; mkdir /run/clone/upper /run/clone/work
mount -t overlay overlay -o "lowerdir=$1,upperdir=/run/clone/upper,workdir=/run/clone/work" /srv/clone
touch /srv/clone/dist/.built`;

/** `npm start` in the clone. With a condition, Ctrl-C as soon as it holds, as a terminal sends it to the whole group. */
const START = `cd /srv/clone; PATH=$1:$2:$PATH
[ "$3" ] || exec node scripts/start.mjs
set -m; node scripts/start.mjs & until eval "$3"; do kill -0 $! || exit; sleep 0.1; done
kill -INT -$!; wait $!`;

const UNIT = "/etc/systemd/system/borgbase-web-1.service";

describe("npm start as root on a machine with systemd", function () {
  this.timeout(600_000);
  let host: MachineHost;
  let untouched: string;
  let start: (interruptWhen?: string) => ReturnType<MachineHost["run"]>;

  before(async () => {
    const { stdout } = await execute("sh", ["-c", "command -v pulumi"], ROOT);
    const folder = dirname(stdout.trim());
    host = await MachineHost.start({ suite: "trixie", folder });
    await host.booted();
    await host.output(CLONE, ROOT);
    untouched = await host.fingerprint("/etc", "/var/lib/pulumi-borgbase");
    const node = join(ROOT, "node_modules", "node", "bin");
    start = (interruptWhen = "") => host.run('exec bash -c "$@"', START, "start", node, folder, interruptWhen);
  });
  after(() => host.stop());
  afterEach(async () => {
    assert.equal(await host.fingerprint("/etc", "/var/lib/pulumi-borgbase"), untouched);
    assert.equal(await host.output("systemctl list-units --all --no-legend 'borgbase-*'"), "");
  });

  it("backs the machine up by its own unit, and leaves no job behind", async () => {
    const { code, output } = await start();
    assert.equal(code, 0, output);
    assert.match(output, /\$ systemctl start borgbase-web-1\.service/);
    assert.match(output, /This machine +its own unit backed up \S+-web-1-\S+; the job is gone again\n/);
    assert.doesNotMatch(output, /Left out/);
  });

  it("leaves no job behind after Ctrl-C while it makes one", async () => {
    const { code, output } = await start(`[ -e ${UNIT} ]`);
    assert.notEqual(code, 0, output);
    assert.doesNotMatch(output, /its own unit backed up/);
  });
});
