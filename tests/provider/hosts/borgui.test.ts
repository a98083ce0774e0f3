import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { generate } from "../../../provider/ssh/keys";
import { startBorgBase, startUi, type Ui } from "../../support/borgUi";
import { HOSTS, type HostRun } from "./support/hosts";
import type { Values } from "./support/pluginClient";

interface Scene extends Ui {
  borgBase: Awaited<ReturnType<typeof startBorgBase>>;
}

/** A case, with a way to begin the next run. */
type Case = (host: HostRun, scene: Scene, nextRun: () => Promise<HostRun>) => Promise<void>;

const PASSPHRASE = "correct horse";
const ANY = { trustAnyHostKey: true };

async function created(host: HostRun, type: string, news: Values) {
  const { inputs, failures } = await host.check(type, news);
  assert.deepEqual(failures, []);
  return { inputs, ...(await host.create(type, inputs)) };
}

/** A connection to a new repository at BorgBase, by the system key. */
async function connected(host: HostRun, { console, borgBase }: Scene, more: Values = {}) {
  const [key = await console.systemKey()] = await console.keys();
  const target = await borgBase.target(key.public_key);
  return { target, ...(await created(host, "borgui.Connection", { ...target, ...ANY, ...more })) };
}

/** A place at the server that no other case has, as data of borg stays. */
const local = () => `local/${randomUUID()}`;

const REPOSITORY = { path: "/./repo", passphrase: PASSPHRASE };

const CASES: Record<string, Case> = {
  "system key: made once, its name changes in place, another type replaces": async (
    host,
    { console, changes },
    nextRun,
  ) => {
    const { id, state, inputs } = await created(host, "borgui.SystemKey", { description: "of web" });
    const [row] = await console.keys();
    assert.deepEqual(
      [row?.name, row?.description, row?.key_type, String(row?.id)],
      ["System SSH Key", "of web", "ed25519", id],
    );
    assert.match(String(state.fingerprintSha256), /^SHA256:/);
    assert.equal(state.publicKey, row?.public_key);
    assert.deepEqual(await host.diff("borgui.SystemKey", id, state, inputs), { isChanged: false, replaces: [] });
    changes();
    const after = await host.update("borgui.SystemKey", id, state, { ...inputs, name: "Web" });
    assert.deepEqual([after.name, changes()], ["Web", ["PUT /api/ssh-keys/*"]]);
    const other = await host.diff("borgui.SystemKey", id, after, { ...inputs, name: "Web", keyType: "rsa" });
    assert.deepEqual(other, { isChanged: true, replaces: ["keyType"] });
    const { inputs: second } = await (await nextRun()).check("borgui.SystemKey", { name: "Other" });
    assert.match(
      await messageOf((await nextRun()).create("borgui.SystemKey", second)),
      new RegExp(`has a system key already: ${id} .*existingId: "${id}"`),
    );
  },

  "system key: a key in use stays, unless forceDestroy was deployed": async (host, scene, nextRun) => {
    const { id, state } = await created(host, "borgui.SystemKey", {});
    await connected(host, scene);
    const refused = await messageOf((await nextRun()).delete("borgui.SystemKey", id, state));
    assert.match(refused, /SHA256:\S+, 1 connection\) is not deleted/);
    await (await nextRun()).delete("borgui.SystemKey", id, { ...state, forceDestroy: true });
    assert.deepEqual(await scene.console.keys(), []);
  },

  "connection: BorgBase runs no command, and still is proven": async (host, scene) => {
    const { id, state, target, inputs } = await connected(host, scene, { defaultPath: "/backups", useSudo: true });
    const [row] = await scene.console.connections();
    assert.deepEqual([String(row?.id), row?.default_path, row?.use_sudo], [id, "/backups", true]);
    assert.deepEqual(
      [state.host, state.port, state.username, state.keyId],
      [target.host, target.port, target.username, String(row?.ssh_key_id)],
    );
    const same = await host.diff("borgui.Connection", id, state, inputs);
    assert.deepEqual(same, { isChanged: false, replaces: [] });
  },

  "connection: what was set goes back to its default, in place, and a host replaces": async (host, scene) => {
    const { id, state, inputs } = await connected(host, scene, { defaultPath: "/backups", mountPoint: "/nas" });
    scene.changes();
    const { defaultPath: _, ...news } = inputs;
    const reset = await host.check("borgui.Connection", news, inputs);
    assert.equal(reset.inputs.defaultPath, "");
    const after = await host.update("borgui.Connection", id, state, reset.inputs);
    assert.deepEqual([after.defaultPath, after.mountPoint], [undefined, "/nas"]);
    assert.deepEqual(scene.changes(), ["PUT /api/ssh-keys/connections/*"]);
    const moved = await host.diff("borgui.Connection", id, after, { ...reset.inputs, host: "other.example" });
    assert.deepEqual(moved, { isChanged: true, replaces: ["host"] });
  },

  "connection: a host that does not let the server in leaves no row, and its reason": async (
    host,
    { console, borgBase },
  ) => {
    await console.systemKey();
    const stranger = await borgBase.target((await generate({})).publicKey);
    const news = { ...stranger, ...ANY };
    const failed = await messageOf(
      host.create("borgui.Connection", (await host.check("borgui.Connection", news)).inputs),
    );
    assert.match(
      failed,
      /^Borg UI cannot log in to \S+ with its key SHA256:\S+: authentication failed.*Deploy the key/,
    );
    assert.deepEqual(await console.connections(), []);
    const nowhere = { ...news, port: 1 };
    const refused = await messageOf(
      host.create("borgui.Connection", (await host.check("borgui.Connection", nowhere)).inputs),
    );
    assert.match(refused, /connection refused/);
    assert.deepEqual(await console.connections(), []);
    const kept = await host.create(
      "borgui.Connection",
      (await host.check("borgui.Connection", { ...news, onFailed: "keep" })).inputs,
    );
    assert.deepEqual(
      (await console.connections()).map(({ id }) => String(id)),
      [kept.id],
    );
  },

  "connection: drift shows per argument, a row that is gone is made again": async (host, scene, nextRun) => {
    const { id, state, inputs } = await connected(host, scene, { defaultPath: "/backups" });
    await scene.console.ask("PUT", `/api/ssh-keys/connections/${id}`, {
      default_path: "/other",
      mount_point: "/theirs",
    });
    const run = await nextRun();
    const found = (await run.read("borgui.Connection", id, state, inputs)) as Values;
    assert.deepEqual(found, { ...state, defaultPath: "/other" });
    await run.update("borgui.Connection", id, found, inputs);
    const [row] = await scene.console.connections();
    assert.deepEqual([row?.default_path, row?.mount_point], ["/backups", "/theirs"]);
    await scene.console.ask("DELETE", `/api/ssh-keys/connections/${id}`);
    assert.equal(await (await nextRun()).read("borgui.Connection", id, state, inputs), undefined);
    await (await nextRun()).delete("borgui.Connection", id, state);
  },

  "connection: one that is there already is refused, and adopted by its id": async (host, scene, nextRun) => {
    const { id, target, state } = await connected(host, scene);
    await host.diff("borgui.Connection", id, state, { ...target, ...ANY });
    const { inputs } = await (await nextRun()).check("borgui.Connection", { ...target, ...ANY });
    assert.match(
      await messageOf((await nextRun()).create("borgui.Connection", inputs)),
      new RegExp(`already: ${id}.*existingId`),
    );
    const run = await nextRun();
    const adopted = await created(run, "borgui.Connection", { ...target, ...ANY, existingId: id, defaultPath: "/a" });
    assert.deepEqual([adopted.id, (await scene.console.connections())[0]?.default_path], [id, "/a"]);
    const other = await messageOf(
      (await nextRun()).check("borgui.Connection", { ...target, ...ANY, existingId: id, port: 1 }),
    );
    assert.match(other, /has port \d+, which cannot be changed, and the program says 1/);
  },

  "connection: a server that pins no host keys needs consent": async (host, { console, borgBase }) => {
    const key = await console.systemKey();
    const target = await borgBase.target(key.public_key);
    const neither = await host.check("borgui.Connection", { ...target });
    assert.match(neither.failures.join(), /give hostKey.*or trustAnyHostKey: true/);
    const hostKey = (await generate({})).publicKey;
    const { inputs } = await host.check("borgui.Connection", { ...target, hostKey });
    assert.match(await messageOf(host.create("borgui.Connection", inputs)), /pins no host keys.*trustAnyHostKey: true/);
    assert.deepEqual(await console.connections(), []);
  },

  "connection: a plan and a repository that need it are named": async (host, scene, nextRun) => {
    const { id, state } = await connected(host, scene);
    const repository = await created(host, "borgui.Repository", { ...REPOSITORY, connectionId: id, name: "home" });
    const plan = await created(host, "borgui.BackupPlan", {
      name: "nightly",
      sourceDirectories: ["/etc"],
      sourceConnectionId: id,
      repositoryIds: [repository.id],
    });
    const needed = await messageOf((await nextRun()).delete("borgui.Connection", id, state));
    assert.match(needed, /needs it for the backup plan "nightly" \(\d+\) and the repository "home" \(\d+\)/);
    const used = await messageOf((await nextRun()).delete("borgui.Repository", repository.id, repository.state));
    assert.match(used, /not taken out of Borg UI, as the backup plan would go on without it: "nightly"/);
    const run = await nextRun();
    await run.delete("borgui.BackupPlan", plan.id, plan.state);
    await run.delete("borgui.Repository", repository.id, repository.state);
    await run.delete("borgui.Connection", id, state);
    const { console } = scene;
    assert.deepEqual([await console.plans(), await console.repositories(), await console.connections()], [[], [], []]);
  },

  "repository: made by borg at BorgBase, its settings change in place": async (host, scene, nextRun) => {
    const connection = await connected(host, scene);
    const { id, state, inputs } = await created(host, "borgui.Repository", {
      ...REPOSITORY,
      connectionId: connection.id,
      checkSchedule: { cron: "0 5 * * 0" },
      uploadRateLimitKib: 100,
    });
    const { host: at, port, username } = connection.target;
    assert.equal(state.url, `ssh://${username}@${at}:${port}/./repo`);
    assert.deepEqual([state.name, state.path, state.connectionId], ["web", "/./repo", connection.id]);
    assert.deepEqual(await host.diff("borgui.Repository", id, state, inputs), { isChanged: false, replaces: [] });
    const run = await nextRun();
    const found = (await run.read("borgui.Repository", id, state, inputs)) as Values;
    assert.deepEqual(found, state);
    const news = {
      ...inputs,
      compression: "zstd",
      excludePatterns: ["b", "a"],
      uploadRateLimitKib: 0,
      checkSchedule: {},
    };
    const after = await run.update("borgui.Repository", id, found, news);
    assert.deepEqual(
      [after.compression, after.excludePatterns, after.uploadRateLimitKib, after.checkSchedule],
      ["zstd", ["b", "a"], 0, undefined],
    );
    const place = await run.diff("borgui.Repository", id, after, { ...news, passphrase: "other" });
    assert.deepEqual(place, { isChanged: true, replaces: ["passphrase"] });
    const fixed = await messageOf(run.diff("borgui.Repository", id, after, { ...news, encryption: "keyfile" }));
    assert.match(fixed, /keeps its encryption "repokey"/);
  },

  "repository: one that is there already needs adopt and its own passphrase": async (host, scene, nextRun) => {
    const connection = await connected(host, scene);
    const args = { ...REPOSITORY, connectionId: connection.id };
    const first = await created(host, "borgui.Repository", args);
    await (await nextRun()).delete("borgui.Repository", first.id, first.state);
    const tried = async (news: Values) => {
      const run = await nextRun();
      return run.create("borgui.Repository", (await run.check("borgui.Repository", news)).inputs);
    };
    const none = [await scene.console.repositories()];
    assert.deepEqual(none, [[]]);
    assert.match(await messageOf(tried(args)), /There is a borg repository at .* already.*adopt: true/);
    assert.match(await messageOf(tried({ ...args, adopt: true, passphrase: "wrong" })), /passphrase/i);
    assert.deepEqual(await scene.console.repositories(), []);
    const adopted = await tried({ ...args, adopt: true });
    assert.equal((await scene.console.repositories()).length, 1);
    assert.equal(adopted.state.encryption, "repokey");
  },

  "repository: a row that is there already is refused, and adopted by its id": async (host, _, nextRun) => {
    const args = { path: local(), passphrase: PASSPHRASE };
    const { id, state, inputs } = await created(host, "borgui.Repository", args);
    await host.diff("borgui.Repository", id, state, inputs);
    assert.deepEqual([state.path, state.connectionId], [args.path, undefined]);
    const tried = async (news: Values) => {
      const run = await nextRun();
      return run.create("borgui.Repository", (await run.check("borgui.Repository", news)).inputs);
    };
    assert.match(await messageOf(tried(args)), new RegExp(`with the name "web" already: ${id}`));
    assert.match(await messageOf(tried({ ...args, name: "other" })), new RegExp(`with the place \\S+ already: ${id}`));
    const adopted = await tried({ ...args, existingId: id, name: "renamed" });
    assert.deepEqual([adopted.id, adopted.state.name], [id, "renamed"]);
  },

  "backup plan: every argument changes in place, the rest of the plan stays": async (host, { console }, nextRun) => {
    const repository = await created(host, "borgui.Repository", { path: local(), passphrase: PASSPHRASE });
    const { id, state, inputs } = await created(host, "borgui.BackupPlan", {
      sourceDirectories: ["/etc"],
      repositoryIds: [repository.id],
      cron: "0 4 * * *",
      retention: { daily: 7, within: "2d" },
    });
    assert.deepEqual([state.name, state.cron, state.retention], ["web", "0 4 * * *", { daily: 7, within: "2d" }]);
    assert.deepEqual(await host.diff("borgui.BackupPlan", id, state, inputs), { isChanged: false, replaces: [] });
    const plan = await console.plan(id);
    const { repositories, ...others } = plan;
    const links = repositories.map(({ repository_id, execution_order }: Values) => ({
      repository_id,
      execution_order,
    }));
    const edit = {
      ...others,
      repositories: links,
      script_hooks: null,
      description: "by a person",
      run_check_after: true,
    };
    await console.ask("PUT", `/api/backup-plans/${id}`, edit);
    const run = await nextRun();
    const found = (await run.read("borgui.BackupPlan", id, state, inputs)) as Values;
    assert.deepEqual(found, state);
    const { retention: _, ...less } = inputs;
    const reset = await run.check(
      "borgui.BackupPlan",
      { ...less, cron: "30 4 * * *", excludePatterns: ["*.tmp"] },
      inputs,
    );
    const after = await run.update("borgui.BackupPlan", id, found, reset.inputs);
    assert.deepEqual([after.cron, after.retention, after.excludePatterns], ["30 4 * * *", undefined, ["*.tmp"]]);
    const now = await console.plan(id);
    assert.deepEqual(
      [now.description, now.run_check_after, now.run_prune_after, now.repositories.length],
      ["by a person", true, false, 1],
    );
  },

  "backup plan: more repositories than the licence allows name the licence": async (host) => {
    const ids = [];
    for (const name of ["three", "four"]) {
      ids.push((await created(host, "borgui.Repository", { name, path: local(), passphrase: PASSPHRASE })).id);
    }
    const { inputs } = await host.check("borgui.BackupPlan", { sourceDirectories: ["/etc"], repositoryIds: ids });
    const failed = await messageOf(host.create("borgui.BackupPlan", inputs));
    assert.match(
      failed,
      /^Borg UI could not make the backup plan "web": its plan "community" lacks .*, which needs "pro"\.$/,
    );
  },

  "key: one's own, checked on both halves, named where connections use it": async (
    host,
    { console, borgBase },
    nextRun,
  ) => {
    const [pair, other] = [await generate({}), await generate({})];
    const wrong = await host.check("borgui.Key", { publicKey: other.publicKey, privateKey: pair.privateKey });
    assert.deepEqual(wrong.failures, [": publicKey: is not the other half of privateKey"]);
    const { id, state, inputs } = await created(host, "borgui.Key", {
      publicKey: pair.publicKey,
      privateKey: pair.privateKey,
    });
    assert.deepEqual([state.keyType, state.privateKey], ["ed25519", undefined]);
    assert.deepEqual(await host.diff("borgui.Key", id, state, inputs), { isChanged: false, replaces: [] });
    const target = await borgBase.target(pair.publicKey);
    const connection = await created(host, "borgui.Connection", { ...target, ...ANY, keyId: id });
    assert.match(
      await messageOf((await nextRun()).delete("borgui.Key", id, state)),
      /as these connections would fail: /,
    );
    const run = await nextRun();
    await run.delete("borgui.Connection", connection.id, connection.state);
    await run.delete("borgui.Key", id, state);
    assert.deepEqual(await console.keys(), []);
  },
};

async function messageOf(operation: Promise<unknown>): Promise<string> {
  const error = await operation.then(
    (result) => assert.fail(`it must fail: ${JSON.stringify(result)}`),
    (failure: Error) => failure,
  );
  assert.doesNotMatch(error.message, /[\r\n]/);
  assert.doesNotMatch(error.message, /correct horse|\bSQL\b/);
  return error.message;
}

describe("Contract of every host with Borg UI", function () {
  this.timeout(120_000);
  let scene: Scene;

  before(async () => {
    scene = { ...(await startUi()), borgBase: await startBorgBase() };
  });
  after(async () => {
    await scene.emulator.close();
    await scene.borgBase.close();
  });

  for (const [name, start] of Object.entries(HOSTS)) {
    describe(name, () => {
      for (const [title, work] of Object.entries(CASES)) {
        it(title, async () => {
          scene.emulator.control.reset();
          await scene.borgBase.emulator.control.reset();
          const hosts: HostRun[] = [];
          const nextRun = async () => {
            const run = await start(scene.settings);
            hosts.push(run);
            return run;
          };
          try {
            await work(await nextRun(), scene, nextRun);
          } finally {
            for (const host of hosts) host.close();
          }
        });
      }
    });
  }
});
