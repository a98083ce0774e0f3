import { strict as assert } from "node:assert";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAccount } from "../support/account";
import { BackupMachine } from "../support/backupMachine";
import { startUi, type Ui } from "../support/borgUi";
import { PolicyPackRun } from "../support/policyPack";
import { execute, ProjectStack, ROOT } from "../support/project";
import { makeKey } from "../support/sshKeygen";
import { StorageBox } from "../support/storageBox";

type Account = Awaited<ReturnType<typeof startAccount>>;

interface Expectation {
  /** The number of resources in the state, by type. */
  resources: Record<string, number>;
  config?: () => Promise<Record<string, string>>;
  /** Checks the purpose of the example once it is deployed; leaves no backups. */
  works(stack: ProjectStack, account: Account, ui: Ui): Promise<void>;
  /** Checks the account once the stack is destroyed. */
  destroyed?(): void;
  close?(): Promise<void>;
}

/** Examples in other languages than TypeScript: languages*.test.ts run them. */
const LANGUAGES = ["go", "python", "yaml"];
/** It needs a machine with systemd: tests/machine/machineBackup.test.ts runs it. */
const MACHINE = "machine";

/** One expectation for every other folder in examples/. */
const EXAMPLES: Record<string, Expectation> = {
  "borg-ui": {
    resources: {
      "borgui.SystemKey": 1,
      SshKey: 1,
      Repo: 1,
      "borgui.Connection": 1,
      "borgui.Repository": 1,
      "borgui.BackupPlan": 1,
    },
    config: async () => ({ passphrase: "correct horse" }),
    works: runThePlan,
  },
  policies: {
    resources: { KeyPair: 1, SshKey: 1, Repo: 1 },
    works: checkPolicies,
  },
  quickstart: {
    resources: { KeyPair: 1, SshKey: 1, Repo: 1 },
    async works(stack, account) {
      const [repo] = await account.console.repos();
      assert.match(String((await stack.outputs()).repoPath), new RegExp(`^ssh://${repo?.id}@`));
      assert.match(await stack.works("stack", "output"), /privateKey +\[secret\]/);
    },
  },
  restic: {
    resources: { Repo: 1 },
    works: backUpWithRestic,
  },
  rotation: {
    resources: { KeyPair: 1, SshKey: 1, Repo: 1 },
    works: rotateBetweenBackups,
  },
  reference: theReference(),
  "storage-box": aStorageBox(),
  team: {
    resources: { KeyPair: 3, SshKey: 4, Repo: 3 },
    config: async () => ({ adminPublicKey: (await makeKey("-t ed25519")).publicKey }),
    async works(stack, { console }) {
      const keys = new Map((await console.keys()).map(({ id, name }) => [id, name]));
      const repos = (await console.repos()).map((repo) => ({
        name: repo.name,
        append: repo.appendOnlyKeys.map((id) => keys.get(id)),
        full: repo.fullAccessKeys.map((id) => keys.get(id)),
        alertDays: repo.alertDays,
        compacts: repo.compactionEnabled,
      }));
      const expected = ["db-1", "laptop", "web-1"].map((name) => ({
        name,
        append: [name],
        full: ["admin"],
        alertDays: name === "laptop" ? 4 : 1,
        compacts: true,
      }));
      assert.deepEqual(
        repos.sort((a, b) => a.name.localeCompare(b.name)),
        expected,
      );
      const { targets } = (await stack.outputs()) as { targets: Record<string, { privateKey: string }> };
      assert.match(targets.laptop?.privateKey ?? "", /^-----BEGIN OPENSSH PRIVATE KEY-----/);
      assert.doesNotMatch(await stack.works("stack", "output", "--json"), /PRIVATE KEY/);
    },
  },
};

/** The examples of all pages in docs/reference, as one program. */
function theReference(): Expectation {
  let box: StorageBox;
  return {
    resources: {
      KeyPair: 2,
      SshKey: 2,
      Repo: 2,
      SshConnection: 1,
      "borgui.SystemKey": 1,
      "borgui.Key": 1,
      "borgui.Connection": 1,
      "borgui.Repository": 1,
      "borgui.BackupPlan": 1,
    },
    async config() {
      box = await StorageBox.start();
      return { ...box.config, passphrase: "of the repository" };
    },
    async works(stack, account, ui) {
      const { percentUsed, url, planId, fingerprintSha256, algorithms, ...outputs } = await stack.outputs();
      const [repo] = (await account.console.repos()).filter(({ name }) => name === "web-1");
      assert.match(String(url), /^ssh:\/\/.*\/\.\/repo$/);
      assert.match(String(fingerprintSha256), /^SHA256:/);
      assert.deepEqual(
        (await ui.console.plans()).map(({ id }) => String(id)),
        [planId],
      );
      // `borg init` alone counts as content at BorgBase.
      for (const { id } of await account.console.repos()) {
        account.emulator.control.setContent(id, { currentUsage: 0, lastModified: null });
      }
      assert.equal(typeof percentUsed, "number");
      // The other key of the program may come before or after the list.
      assert.equal((algorithms as Record<string, string>)["web-1"], "ssh-ed25519");
      assert.match(String(outputs.repoPath), new RegExp(`^ssh://${repo?.id}@`));
      assert.match(String(outputs.userData), /^#!\/bin\/sh\n/);
      assert.doesNotMatch(await stack.works("stack", "output", "--json"), /PRIVATE KEY|of the repository/);
      assert.deepEqual(
        { ...outputs, repoPath: "", knownHosts: "", userData: "" },
        {
          account: outputs.account,
          crowded: [],
          knownHosts: "",
          login: "connected",
          repoPath: "",
          severalRepositories: false,
          status: "connected",
          unwatched: [],
          usage: 0,
          userData: "",
          users: 1,
        },
      );
    },
    destroyed: () => assert.equal(box.authorizedKeys, "", "the key is off the host"),
    close: () => box.close(),
  };
}

function aStorageBox(): Expectation {
  let box: StorageBox;
  return {
    resources: { KeyPair: 1, SshConnection: 1 },
    async config() {
      box = await StorageBox.start();
      return { ...box.config, passphrase: "of the repository" };
    },
    works: (stack) => box.backsUp(stack),
    destroyed: () => assert.equal(box.authorizedKeys, "", "the key is off the host"),
    close: () => box.close(),
  };
}

/** Starts the plan as a person would, and looks for its archive at BorgBase. */
async function runThePlan(stack: ProjectStack, account: Account, { console: ui }: Ui): Promise<void> {
  const { planId, repositoryId, url } = await stack.outputs();
  assert.match(String(url), /^ssh:\/\/.*\/\.\/repo$/);
  assert.equal(await ui.run(String(planId)), "completed");
  const { archives } = await ui.ask("GET", `/api/repositories/${repositoryId}/archives`);
  assert.equal(archives.length, 1);
  await stack.works("preview", "--expect-no-changes");
  await stack.works("refresh", "--yes", "--expect-no-changes");
  const [repo] = await account.console.repos();
  account.emulator.control.setContent(repo?.id ?? "", { currentUsage: 0, lastModified: null });
}

/** Follows the README: the program as it stands passes, without an alert it fails. */
async function checkPolicies(stack: ProjectStack): Promise<void> {
  const pack = new PolicyPackRun(join(ROOT, "examples", "policies", "policy-pack"));
  try {
    await stack.works("preview", "--expect-no-changes", ...pack.flags());
    await stack.works("config", "set", "alertDays", "0");
    const { ok, output } = await stack.run("preview", ...pack.flags());
    assert.ok(!ok);
    assert.match(
      output,
      /\[mandatory\].*borgbase-repo-alert[\s\S]*Repo "web-1" has no alert: set alertDays to at most 7\./,
    );
  } finally {
    await stack.works("config", "rm", "alertDays");
    pack.close();
  }
}

/** Backs up a file and restores it from the repository address in the stack's outputs. */
async function backUpWithRestic(stack: ProjectStack, account: Account): Promise<void> {
  assert.match(await stack.works("stack", "output"), /resticUrl +\[secret\]/);
  const folder = mkdtempSync(join(tmpdir(), "borgbase-restic-"));
  try {
    const precious = join(folder, "precious");
    writeFileSync(precious, "what must not get lost");
    const { resticUrl } = await stack.outputs();
    const env = {
      RESTIC_REPOSITORY: String(resticUrl),
      RESTIC_PASSWORD: "of our own",
      RESTIC_CACHE_DIR: join(folder, "c"),
    };
    const restored = join(folder, "restored");
    mkdirSync(restored);
    for (const args of [["init"], ["backup", precious], ["restore", "latest", "--target", restored]]) {
      const { ok, output } = await execute("restic", args, folder, env);
      assert.ok(ok, output);
    }
    assert.equal(readFileSync(join(restored, precious), "utf8"), "what must not get lost");

    const refused = await stack.run("destroy", "--yes");
    assert.ok(!refused.ok);
    assert.match(refused.output, /holds backups .*forceDestroy: true/);
    assert.equal((await stack.run("preview", "--expect-no-changes")).ok, true, "a backup is no drift");
    const [repo] = await account.console.repos();
    account.emulator.control.setContent(repo?.id ?? "", { currentUsage: 0, lastModified: null });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Follows the README during continuous backups, none of which may fail. */
async function rotateBetweenBackups(stack: ProjectStack, account: Account): Promise<void> {
  const keyOf = async (name: string) => ((await stack.outputs()).privateKeys as Record<string, string>)[name] ?? "";
  const old = await keyOf("2026-01");
  const machine = await BackupMachine.start(account.emulator, String((await stack.outputs()).repoPath), old);
  // The machine starts each backup at the end of the one before, so one runs throughout each deployment.
  const deploy = async (keys: string) => {
    await stack.works("config", "set", "keys", keys);
    await stack.works("up", "--yes", "--skip-preview");
  };
  try {
    await machine.backsUp(1);
    await deploy("2026-01,2026-07");
    await machine.backsUp(2);
    machine.useKey(await keyOf("2026-07"));
    await machine.backsUp(2);
    await deploy("2026-07");
    await machine.backsUp(2);
    await machine.rests();
    assert.deepEqual(
      machine.backups.filter(({ ok }) => !ok),
      [],
    );
    assert.equal((await machine.borg("list", "--short")).stdout.trim().split("\n").length, machine.backups.length);

    // borg may end before it has read ssh's "Permission denied", so the key alone has to make the difference.
    machine.useKey(old);
    assert.ok(!(await machine.borg("list")).ok);
    machine.useKey(await keyOf("2026-07"));
    assert.ok((await machine.borg("list")).ok);
    await stack.works("preview", "--expect-no-changes");
    const [repo] = await account.console.repos();
    account.emulator.control.setContent(repo?.id ?? "", { currentUsage: 0, lastModified: null });
  } finally {
    await machine.close();
  }
}

describe("Examples", function () {
  this.timeout(600_000);
  const folders = readdirSync(join(ROOT, "examples"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && ![...LANGUAGES, MACHINE].includes(entry.name))
    .map(({ name }) => name);
  let account: Account;
  let ui: Ui;

  before(async () => {
    account = await startAccount({ storage: true });
    ui = await startUi();
  });
  after(async () => {
    await ui.emulator.close();
    await account.emulator.close();
  });

  it("Every example folder has an expectation in these tests", () => {
    assert.deepEqual(folders.sort(), Object.keys(EXAMPLES).sort());
  });

  for (const [name, { resources, config, works, destroyed, close }] of Object.entries(EXAMPLES)) {
    const folder = join(ROOT, "examples", name);

    it(`The example ${name} is a separate workspace with a short README`, () => {
      const locked = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")).packages[`examples/${name}`];
      assert.equal(locked?.name, `borgbase-example-${name}`);
      const { main, dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      assert.ok(existsSync(join(folder, main)));
      assert.equal(dependencies["pulumi-borgbase"], "file:../..");
      const lines = readFileSync(join(folder, "README.md"), "utf8").trimEnd().split("\n");
      assert.ok(lines.length > 5 && lines.length < 40, `${lines.length} lines`);
    });

    it(`The example ${name} type-checks`, async () => {
      const { ok, output } = await execute("tsc", ["--noEmit", "-p", folder], folder);
      assert.ok(ok, output);
    });

    it(`The example ${name} deploys its resources, changes nothing at the second up and is destroyed completely`, async () => {
      await account.emulator.control.reset();
      ui.emulator.control.reset();
      const project = existsSync(join(folder, "Pulumi.yaml")) ? folder : ROOT;
      const stack = await ProjectStack.create(project, { ...account.env, ...ui.env });
      try {
        for (const [key, value] of Object.entries((await config?.()) ?? {}))
          await stack.works("config", "set", key, value, /^pass/.test(key) ? "--secret" : "--plaintext");
        await stack.works("up", "--yes", "--skip-preview");
        assert.deepEqual(await stack.counts(), resources);
        await stack.works("preview", "--expect-no-changes");
        await works(stack, account, ui);
        await stack.works("destroy", "--yes", "--skip-preview");
        assert.deepEqual([await account.console.repos(), await account.console.keys()], [[], []]);
        assert.deepEqual([await ui.console.connections(), await ui.console.keys()], [[], []]);
        destroyed?.();
      } finally {
        await stack.close();
        await close?.();
      }
    });
  }
});
