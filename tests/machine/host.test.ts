import assert from "node:assert/strict";
import { MachineHost, type Suite } from "../support/machineHost";

describe("MachineHost", () => {
  for (const [suite, versions] of Object.entries({
    bookworm: { systemd: "252", borg: "borg 1.2.4", borgmatic: "1.7.7" },
    trixie: { systemd: "257", borg: "borg 1.4.0", borgmatic: "1.9.14" },
  })) {
    it(`boots ${suite} with systemd, sshd and the distribution's borg`, async () => {
      const host = await MachineHost.start({ suite: suite as Suite });
      try {
        assert.equal(await host.output("systemctl is-system-running --wait"), "running");
        assert.match(await host.output("systemctl --version"), new RegExp(`^systemd ${versions.systemd}`));
        assert.equal(await host.output("borg --version"), versions.borg);
        assert.equal(await host.output("borgmatic --version"), versions.borgmatic);
      } finally {
        await host.stop();
      }
    });
  }
});
