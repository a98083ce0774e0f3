import { strict as assert } from "node:assert";
import { ComponentResource } from "@pulumi/pulumi";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { assertOneLineError } from "../support/output";
import { InstalledPlugin } from "../support/plugin";
import { TestStack } from "../support/stack";

/** A component as programs write them: its repository has its own name. */
class Machine extends ComponentResource {
  constructor(type: string, args: borgbase.RepoArgs) {
    super(`acme:index:${type}`, "web");
    new borgbase.Repo("web", args, { parent: this });
  }
}

// Pulumi allows equal names of one type below parents of different types.
for (const host of ["the dynamic host", "the plugin"]) {
  describe(`Two Repos of one name below different parents, served by ${host}`, function () {
    this.timeout(240_000);
    let account: Awaited<ReturnType<typeof startAccount>>;
    let plugin: InstalledPlugin;
    let stack: TestStack;
    let machines: Record<string, borgbase.RepoArgs>;

    const home = process.env.PULUMI_HOME;
    before(async () => {
      plugin = await InstalledPlugin.create();
      // The program runs in this process, and confirms its creates there.
      process.env.PULUMI_HOME = plugin.home;
    });
    after(() => {
      if (home === undefined) delete process.env.PULUMI_HOME;
      else process.env.PULUMI_HOME = home;
      plugin.close();
    });
    beforeEach(async () => {
      account = await startAccount();
      machines = {};
      stack = await TestStack.create(
        async () => {
          for (const [type, args] of Object.entries(machines)) new Machine(type, args);
        },
        { ...account.env, ...plugin.env },
        { "borgbase:endpoint": account.emulator.endpoint, "borgbase:plugin": String(host === "the plugin") },
      );
    });
    afterEach(async () => {
      await stack.close();
      await account.emulator.close();
    });

    async function deploy(deployed: typeof machines) {
      machines = deployed;
      const run = await stack.up();
      assert.ok(run.ok, run.output);
    }

    /** Ids of the repositories by the type of their parent. */
    async function ids(): Promise<Record<string, string>> {
      const { deployment } = await stack.state();
      return Object.fromEntries(
        (deployment.resources ?? []).flatMap(({ urn, id = "" }) => {
          const [, parent] = /acme:index:(\w+)\$borgbase:index:Repo::/.exec(urn) ?? [];
          return parent ? [[parent, id]] : [];
        }),
      );
    }
    const remote = async () => (await account.console.repos()).map(({ id }) => id).sort();
    const holdBackups = (id = "") =>
      account.emulator.control.setContent(id, { currentUsage: 12.5, lastModified: null });

    it("The forceDestroy of one does not erase the backups of the other", async () => {
      const staging = { region: "eu", forceDestroy: true };
      await deploy({ Production: { region: "eu" }, Staging: staging });
      const { Production } = await ids();
      holdBackups(Production);
      machines = { Staging: staging };
      assertOneLineError(await stack.up(), /"web" \(\w+\) holds backups .*so it is not deleted/);
      assert.ok((await remote()).includes(String(Production)));
    });

    it("A replaced one is a new repository, and the other one stays", async () => {
      await deploy({ Production: { region: "eu" }, Staging: { region: "eu" } });
      const before = await ids();
      const { deployment } = await stack.state();
      const urn = deployment.resources.find((each) => /Production\$borgbase:index:Repo::/.test(each.urn))?.urn ?? "";
      const run = await stack.up({ replace: [urn] });
      assert.ok(run.ok, run.output);
      const after = await ids();
      assert.notEqual(after.Production, before.Production);
      assert.equal(after.Staging, before.Staging);
      assert.deepEqual(Object.values(after).sort(), await remote());
    });

    it("A second one is created beside the first, which holds backups", async () => {
      await deploy({ Production: { region: "eu" } });
      const { Production } = await ids();
      holdBackups(Production);
      await deploy({ Production: { region: "eu" }, Staging: { region: "eu" } });
      assert.equal((await ids()).Production, Production);
      assert.deepEqual(Object.values(await ids()).sort(), await remote());
      assert.equal((await remote()).length, 2);
      assert.deepEqual((await stack.up()).steps, []);
    });
  });
}
