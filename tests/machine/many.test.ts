import assert from "node:assert/strict";
import { ManyHosts } from "../support/manyHosts";
import { InstalledPlugin } from "../support/plugin";

describe("A refresh of many BackupJobs beside one of as many SshConnections", function () {
  this.timeout(900_000);
  let many: ManyHosts;
  let plugin: InstalledPlugin;
  before(async () => {
    [many, plugin] = await Promise.all([ManyHosts.start(20, 5), InstalledPlugin.create()]);
  });
  after(async () => {
    plugin?.close();
    await many?.stop();
  });

  it("takes one connection and no more round trips per host, with the dynamic host and the plugin", async () => {
    const hosts: Record<string, string>[][] = [[], [plugin.env, { "borgbase:plugin": "true" }]];
    for (const host of hosts) {
      const counts: Record<string, { connections: number; roundTrips: number }> = {};
      for (const kind of ["jobs", "connections"] as const) {
        const stack = await many.deploy(kind, ...host);
        try {
          many.reset();
          const { ok, output } = await stack.drift();
          assert.ok(ok, output);
          counts[kind] = many.counts();
        } finally {
          await stack.close();
        }
      }
      const { jobs, connections } = counts;
      assert.equal(jobs?.connections, many.count);
      assert.ok(Number(jobs?.roundTrips) <= Number(connections?.roundTrips), JSON.stringify(counts));
    }
  });
});
