import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MachineHost, type Suite } from "../support/machineHost";
import { execute } from "../support/project";

/** Boots a host in a process of its own, and prints the error. */
const BOOT = `require("../support/machineHost").MachineHost.start({ suite: "trixie" })
  .then((host) => host.stop(), (error) => console.log(error.message))`;

describe("MachineHost", () => {
  let programs: string;
  before(() => {
    programs = mkdtempSync(join(tmpdir(), "borgbase-programs-"));
    const keygen = execFileSync("sh", ["-c", "command -v ssh-keygen"], { encoding: "utf8" }).trim();
    symlinkSync(keygen, join(programs, "ssh-keygen"));
  });
  after(() => rmSync(programs, { recursive: true }));

  for (const [what, command, reason] of [
    ["namespaces", () => ["setpriv", "--bounding-set=-sys_admin"], /unshare: .*Operation not permitted/],
    ["its programs", () => ["env", `PATH=${programs}`], /setpriv ENOENT/],
  ] as const) {
    it(`fails in one line on a machine without ${what}`, async () => {
      const [program = "", ...args] = [...command(), process.execPath, "-e", BOOT];
      const { output } = await execute(program, args, __dirname, {}, 3);
      const [line = "", ...others] = output.trim().split("\n");
      assert.deepEqual(others, [], output);
      assert.match(line, /^the machine tests boot hosts of their own, and this machine does not let them: /);
      assert.match(line, reason);
    });
  }

  for (const [suite, versions] of Object.entries({
    bookworm: { systemd: "252", borg: "borg 1.2.4", borgmatic: "1.7.7" },
    trixie: { systemd: "257", borg: "borg 1.4.0", borgmatic: "1.9.14" },
  })) {
    it(`boots ${suite} with systemd, sshd and the distribution's borg`, async () => {
      const host = await MachineHost.start({ suite: suite as Suite });
      try {
        await host.booted();
        assert.match(await host.output("systemctl --version"), new RegExp(`^systemd ${versions.systemd}`));
        assert.equal(await host.output("borg --version"), versions.borg);
        assert.equal(await host.output("borgmatic --version"), versions.borgmatic);
      } finally {
        await host.stop();
      }
    });
  }
});
