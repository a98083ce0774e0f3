import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServiceError } from "@grpc/grpc-js";
import { PluginAttach, type PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { PartialFailure, ProviderError } from "../../../provider/errors";
import { toServiceError } from "../../../provider/hosts/wire";
import { generate } from "../../../provider/ssh/keys";
import { startAccount } from "../../support/account";
import { until } from "../../support/processes";
import { ROOT } from "../../support/project";
import { PluginClient, secret, struct, UNKNOWN_TEXT, urnOf, type Values, valuesOf } from "./support/pluginClient";

describe("Provider plugin", () => {
  let account: Awaited<ReturnType<typeof startAccount>>;
  let plugin: PluginClient;

  before(async () => {
    account = await startAccount();
  });
  after(() => account.emulator.close());
  beforeEach(async () => {
    await account.emulator.control.reset();
    plugin = await PluginClient.start();
    await plugin.configure({ token: account.console.token, endpoint: account.emulator.endpoint });
    account.mutations();
  });
  afterEach(() => plugin.close());

  /** A repository by way of Check and Create. */
  async function createRepo(news: Values) {
    const { inputs, failures } = await plugin.check("Repo", news);
    assert.deepEqual(failures, []);
    return { inputs, ...(await plugin.create("Repo", inputs)) };
  }

  const settings = () => ({ token: account.console.token, endpoint: account.emulator.endpoint });

  describe("as a package", () => {
    it("GetSchema answers the package schema, GetPluginInfo its version", async () => {
      const schema = JSON.parse(
        (await plugin.call<rpc.GetSchemaResponse>("getSchema", new rpc.GetSchemaRequest())).getSchema(),
      );
      assert.deepEqual(schema, JSON.parse(readFileSync(join(ROOT, "schema.json"), "utf8")));
      const info = await plugin.call<PluginInfo>("getPluginInfo", new Empty());
      assert.equal(info.getVersion(), schema.version);
    });

    it("Handshake and Configure ask for plain inputs and announce previews", async () => {
      const handshake = new rpc.ProviderHandshakeRequest();
      const greeted = await plugin.call<rpc.ProviderHandshakeResponse>("handshake", handshake);
      assert.equal(greeted.getAcceptSecrets(), false);
      const configured = await plugin.configure(settings());
      assert.deepEqual([configured.getAcceptsecrets(), configured.getSupportspreview()], [false, true]);
    });

    it("Attach and Cancel answer, also when nothing is under way", async () => {
      await plugin.call("attach", new PluginAttach().setAddress("127.0.0.1:1"));
      await plugin.call("cancel", new Empty());
      await plugin.configure(settings());
      assert.ok(await plugin.invoke("getAccount", {}));
    });
  });

  describe("with its settings", () => {
    it("CheckConfig encrypts the token and drops the SDK's own switch", async () => {
      const news = { token: "t", endpoint: "https://example.com", plugin: "true", version: "0.1.0" };
      const response = await plugin.call<rpc.CheckResponse>(
        "checkConfig",
        new rpc.CheckRequest().setNews(struct(news)),
      );
      const expected = { token: secret("t"), endpoint: news.endpoint, version: news.version };
      assert.deepEqual(valuesOf(response.getInputs()), expected);
    });

    it("DiffConfig updates for another token, and never replaces", async () => {
      const ask = (oldInputs: Values, news: Values) =>
        plugin.call<rpc.DiffResponse>(
          "diffConfig",
          new rpc.DiffRequest().setOldInputs(struct(oldInputs)).setNews(struct(news)),
        );
      const { DIFF_SOME, DIFF_NONE } = rpc.DiffResponse.DiffChanges;
      const changed = await ask({ token: "a" }, { token: secret("b"), plugin: "true" });
      assert.deepEqual([changed.getChanges(), changed.getReplacesList()], [DIFF_SOME, []]);
      assert.equal((await ask({ token: secret("a") }, { token: "a", plugin: "true" })).getChanges(), DIFF_NONE);
    });

    it("a wrapped token is the token, and null is no setting", async () => {
      await plugin.configure({ token: secret(account.console.token), endpoint: account.emulator.endpoint });
      assert.equal((await plugin.invoke("getAccount", {})).username, "demo@example.com");
      await plugin.configure({ token: secret(null), endpoint: account.emulator.endpoint });
      await assert.rejects(plugin.invoke("getAccount", {}), { message: /No BorgBase API token is set/ });
      await plugin.configure({ token: null, endpoint: null });
      await assert.rejects(plugin.invoke("getAccount", {}), { message: /No BorgBase API token is set/ });
    });

    it("the environment holds the settings that nobody gave", async () => {
      process.env.BORGBASE_TOKEN = account.console.token;
      process.env.BORGBASE_ENDPOINT = account.emulator.endpoint;
      try {
        await plugin.configure({});
        assert.equal((await plugin.invoke("getAccount", {})).username, "demo@example.com");
      } finally {
        delete process.env.BORGBASE_TOKEN;
        delete process.env.BORGBASE_ENDPOINT;
      }
    });
  });

  describe("in Check", () => {
    it("every failure comes with its property, a secret one without", async () => {
      const { failures } = await plugin.check("Repo", { region: "", quota: -1, nmae: "x" });
      assert.deepEqual(failures.sort(), [
        ": Repo has no argument nmae: did you mean name?",
        "quota: must not be negative",
        'region: must be a region, for example "eu"',
      ]);
      const { failures: ofKey } = await plugin.check("KeyPair", { privateKey: "no key" });
      assert.equal(ofKey.length, 1);
      assert.match(ofKey[0] ?? "", /^: /);
    });

    it("unknown arguments stay unknown, and null counts as not given", async () => {
      const { inputs, failures } = await plugin.check("Repo", {
        region: "eu",
        name: null,
        appendOnlyKeys: [UNKNOWN_TEXT],
        borgVersion: UNKNOWN_TEXT,
      });
      assert.deepEqual(failures, []);
      assert.deepEqual(inputs, { region: "eu", appendOnlyKeys: [UNKNOWN_TEXT], borgVersion: UNKNOWN_TEXT });
    });

    it("a secret argument given in plain is encrypted, an unknown one stays unknown", async () => {
      const { privateKey } = await generate({});
      assert.deepEqual((await plugin.check("KeyPair", { privateKey })).inputs, { privateKey: secret(privateKey) });
      const { inputs } = await plugin.check("KeyPair", { privateKey: UNKNOWN_TEXT });
      assert.deepEqual(inputs, { privateKey: UNKNOWN_TEXT });
    });

    it("an argument that is taken out of the program goes back to its default", async () => {
      const { inputs } = await plugin.check("Repo", { region: "eu" }, { region: "eu", alertDays: 3 });
      assert.deepEqual(inputs, { region: "eu", alertDays: 0, __reset: "alertDays" });
      const again = await plugin.check("Repo", { region: "eu" }, inputs);
      assert.deepEqual(again.inputs, inputs);
    });

    it("what an adoption changes is logged on the resource", async () => {
      const { id } = await createRepo({ region: "eu" });
      await plugin.check("Repo", { region: "eu", alertDays: 4, existingId: id });
      assert.deepEqual(plugin.lines, [
        `${urnOf("Repo")}: takes over the repository ${id}; it changes`,
        `${urnOf("Repo")}:   alertDays: 0 => 4`,
      ]);
    });
  });

  describe("in Diff", () => {
    it("equal values are no change, without a question to BorgBase", async () => {
      const { id, state, inputs: created } = await createRepo({ region: "eu", quota: 500, appendOnlyKeys: [] });
      const inputs = { ...created, region: "EU" };
      account.emulator.control.resetCounters();
      assert.deepEqual(await plugin.diff("Repo", id, state, inputs, { oldInputs: inputs }), {
        isChanged: false,
        changed: [],
        replaces: [],
        paths: {},
      });
      assert.deepEqual(account.emulator.control.log(), []);
    });

    it("changes are named by the innermost path, with what becomes of each", async () => {
      const compaction = { interval: 1, unit: "weeks", hour: 4, timezone: "UTC" };
      const olds = { region: "eu", compaction, quota: 5, rsyncKeys: [] };
      const { id, state, inputs } = await createRepo(olds);
      const news = { ...inputs, compaction: { ...compaction, hour: 5 }, quota: 6, alertDays: 1, region: "us" };
      const found = await plugin.diff("Repo", id, state, news, { oldInputs: inputs });
      assert.deepEqual(found.replaces, ["region"]);
      assert.deepEqual(found.paths, {
        region: "UPDATE_REPLACE of the input",
        quota: "UPDATE of the input",
        "compaction.hour": "UPDATE of the input",
        alertDays: "ADD of the input",
      });
    });

    it("a set names its elements, whatever their order", async () => {
      const { publicKey } = await generate({});
      const { id: key } = await plugin.create("SshKey", { publicKey });
      const other = await plugin.create("SshKey", { publicKey: (await generate({})).publicKey, name: "other" });
      const { id, state, inputs } = await createRepo({ region: "eu", appendOnlyKeys: [other.id, key] });
      const first = [key, other.id].sort()[0];
      const { paths } = await plugin.diff(
        "Repo",
        id,
        state,
        { ...inputs, appendOnlyKeys: [first] },
        { oldInputs: inputs },
      );
      assert.deepEqual(paths, { "appendOnlyKeys[1]": "DELETE of the input" });
    });

    it("an unrefreshed change by others is named as one of the state", async () => {
      const { id, state, inputs } = await createRepo({ region: "eu", quota: 5 });
      const { paths } = await plugin.diff("Repo", id, { ...state, quota: 7 }, inputs, { oldInputs: inputs });
      assert.deepEqual(paths, { quota: "UPDATE" });
    });

    it("unknown arguments replace only where a change of them would", async () => {
      const { id, state, inputs } = await createRepo({ region: "eu" });
      const found = await plugin.diff("Repo", id, state, { ...inputs, region: UNKNOWN_TEXT, name: UNKNOWN_TEXT });
      assert.deepEqual([found.changed.sort(), found.replaces], [["name", "region"], ["region"]]);
    });

    it("ignoreChanges keeps what others have changed, also within an argument", async () => {
      const compaction = { interval: 1, unit: "weeks", hour: 4, timezone: "UTC" };
      const { id, state, inputs } = await createRepo({ region: "eu", quota: 5, compaction });
      const drifted = { ...state, quota: 9, compaction: { ...compaction, hour: 7 } };
      const ignoreChanges = ["quota", "compaction.hour", "rsyncKeys[0]"];
      const found = await plugin.diff("Repo", id, drifted, inputs, { ignoreChanges });
      assert.deepEqual(found.changed, []);
      account.mutations();
      const after = await plugin.update("Repo", id, drifted, { ...inputs, alertDays: 2 }, { ignoreChanges });
      assert.deepEqual([after.alertDays, account.mutations()], [2, ["repoEdit"]]);
    });
  });

  describe("in previews", () => {
    it("Create shows what is known, and makes nothing", async () => {
      const inputs = { region: "eu", quota: 3, appendOnlyKeys: [UNKNOWN_TEXT], existingId: "x" };
      const { id, state } = await plugin.create("Repo", inputs, true);
      assert.deepEqual([id, state], ["", { region: "eu", quota: 3, appendOnlyKeys: [UNKNOWN_TEXT] }]);
      assert.deepEqual(account.mutations(), []);
    });

    it("Update shows outputs that stay, and leaves out those that follow from a change", async () => {
      const { id, state } = await plugin.create("KeyPair", { comment: "a" });
      const after = await plugin.update("KeyPair", id, state, { comment: "b" }, { preview: true });
      const { publicKey: _, privateKey: __, ...others } = state;
      assert.deepEqual(after, { ...others, comment: "b" });
    });

    it("Update of a repository keeps its address known and its passwords secret", async () => {
      const { id, state, inputs } = await createRepo({ region: "eu", format: "restic", quota: 3 });
      account.mutations();
      const after = await plugin.update("Repo", id, state, { ...inputs, quota: 4 }, { preview: true });
      assert.deepEqual(after, { ...state, quota: 4 } as Values);
      assert.deepEqual(Object.keys((after as Values).htpasswd as object).sort(), Object.keys(secret("")).sort());
      assert.deepEqual(account.mutations(), []);
    });
  });

  describe("in Read", () => {
    it("an import finds what is not at its default", async () => {
      const compaction = { interval: 1, unit: "weeks", hour: 4, timezone: "UTC" };
      const { id } = await createRepo({ region: "eu", alertDays: 2, compaction });
      const plain = await plugin.read("Repo", id);
      assert.deepEqual(plain.inputs, { region: "eu", alertDays: 2, compaction });
      assert.equal((await plugin.read("Repo", id, undefined, "other")).inputs.name, "web");
      const { inputs, failures } = await plugin.check("Repo", plain.inputs, plain.inputs);
      assert.deepEqual(failures, []);
      assert.equal((await plugin.diff("Repo", id, plain.state, inputs, { oldInputs: plain.inputs })).isChanged, false);
      // A program that names a default beside it changes nothing either.
      const named = await plugin.diff("Repo", id, plain.state, { ...inputs, quota: 0 }, { oldInputs: plain.inputs });
      assert.equal(named.isChanged, false);
    });

    it("an import of a key finds its line, and its name where it is another", async () => {
      const { publicKey } = await generate({});
      const { id } = await plugin.create("SshKey", { publicKey, name: "laptop" });
      const { inputs } = await plugin.read("SshKey", id);
      assert.deepEqual(Object.keys(inputs).sort(), ["name", "publicKey"]);
      assert.deepEqual(Object.keys((await plugin.read("SshKey", id, undefined, "laptop")).inputs), ["publicKey"]);
    });

    it("a refresh finds the values of declared arguments, and hides the others", async () => {
      const { id, state, inputs: created } = await createRepo({ region: "eu", quota: 5 });
      const inputs = { ...created, region: "EU" };
      await account.console.edit(id, "quota: 8, alertDays: 3");
      await plugin.configure(settings());
      const found = await plugin.read("Repo", id, { properties: state, inputs });
      assert.deepEqual(found.inputs, { region: "EU", quota: 8 });
      assert.deepEqual(found.state, { ...state, quota: 8 });
    });

    it("a refresh keeps the marks of arguments that went back to their default", async () => {
      const { id, state } = await createRepo({ region: "eu", alertDays: 0 });
      const inputs = { region: "eu", alertDays: 0, __reset: "alertDays" };
      assert.deepEqual((await plugin.read("Repo", id, { properties: state, inputs })).inputs, inputs);
    });

    it("a refresh of an imported object learns from the inputs what is declared", async () => {
      const { id } = await createRepo({ region: "eu", alertDays: 2 });
      const imported = await plugin.read("Repo", id);
      assert.equal(imported.state.__declared, undefined);
      await account.console.edit(id, "alertDays: 4, appendOnly: true");
      await plugin.configure(settings());
      const known = { properties: imported.state, inputs: imported.inputs };
      const { state } = await plugin.read("Repo", id, known);
      assert.deepEqual([state.alertDays, state.appendOnly], [4, false]);
    });

    it("an object that is gone has an empty response", async () => {
      const gone = { id: "", state: {}, inputs: {} };
      assert.deepEqual(await plugin.read("Repo", "nope"), gone);
      assert.deepEqual(await plugin.read("SshKey", "nope"), gone);
      const { id, state, inputs } = await createRepo({ region: "eu" });
      await account.console.deleteRepo(id);
      await plugin.configure(settings());
      assert.deepEqual(await plugin.read("Repo", id, { properties: state, inputs }), gone);
    });

    it("a resource that no service holds says in one line what to do instead", async () => {
      for (const [type, advice] of [
        ["KeyPair", /Give it as privateKey\.$/],
        ["SshConnection", /Declare it/],
      ] as const) {
        await assert.rejects(plugin.read(type, "some id"), { message: advice });
      }
    });
  });

  it("Update, Delete: each asks BorgBase once, and Delete knows its resource by the URN", async () => {
    const { id, state, inputs } = await createRepo({ region: "eu" });
    account.mutations();
    const after = await plugin.update("Repo", id, state, { ...inputs, quota: 7 });
    assert.equal(after.quota, 7);
    await plugin.configure(settings());
    await plugin.delete("Repo", id, after);
    assert.deepEqual(account.mutations(), ["repoEdit", "repoDelete"]);
    assert.deepEqual(await account.console.repos(), []);
  });

  it("a repository with backups is kept, in one line", async () => {
    const { id, state } = await createRepo({ region: "eu" });
    account.emulator.control.setContent(id, { currentUsage: 12, lastModified: null });
    await plugin.configure(settings());
    await assert.rejects(plugin.delete("Repo", id, state), {
      message: /holds backups .* so it is not deleted\.[^\n]*$/,
    });
    await plugin.delete("Repo", id, { ...state, keepOnDelete: true });
    assert.deepEqual(plugin.lines, [
      `${urnOf("Repo")}: leaves the repository ${id} and its backups in the account, as keepOnDelete says`,
    ]);
  });

  describe("in functions and lists", () => {
    it("Invoke returns an object, lists under their name", async () => {
      const { id } = await createRepo({ region: "eu", format: "restic" });
      assert.equal((await plugin.invoke("getRepo", { id })).name, "web");
      const { repos } = (await plugin.invoke("getRepos", {})) as { repos: { id: string }[] };
      assert.deepEqual(
        repos.map((each) => each.id),
        [id],
      );
    });

    it("Invoke fails in one line for wrong arguments, missing objects and unknown functions", async () => {
      await assert.rejects(plugin.invoke("getRepo", {}), {
        message: "getRepo: give { id } or { name }, one of the two",
      });
      await assert.rejects(plugin.invoke("getRepo", { id: "nope" }), {
        message: "The account has no repository with the id nope.",
      });
      await assert.rejects(plugin.invoke("getNothing", {}), { message: "pulumi-borgbase has no function getNothing." });
    });

    it("List streams id and name, by name where asked, as many as asked", async () => {
      const web = await createRepo({ region: "eu" });
      const db = await createRepo({ region: "eu", name: "db" });
      const all = await plugin.list("Repo");
      assert.deepEqual(
        all.sort((a, b) => a.name.localeCompare(b.name)),
        [
          { id: db.id, name: "db" },
          { id: web.id, name: "web" },
        ],
      );
      assert.deepEqual(await plugin.list("Repo", { name: "db" }), [{ id: db.id, name: "db" }]);
      assert.equal((await plugin.list("Repo", {}, 1)).length, 1);
      assert.deepEqual(await plugin.list("SshKey"), []);
    });

    it("List ends with the error where it fails", async () => {
      await assert.rejects(plugin.list("KeyPair"), { message: "The objects of the type KeyPair cannot be listed." });
      await assert.rejects(plugin.list("Nothing"), { message: /knows no resource Nothing/ });
      await plugin.configure({ token: "wrong", endpoint: account.emulator.endpoint });
      await assert.rejects(plugin.list("Repo"), { message: /BorgBase refused/ });
    });
  });

  it("no response of a resource holds a secret in plain", async () => {
    const pair = await plugin.create("KeyPair", { comment: "a" });
    const repo = await createRepo({ region: "eu", format: "restic" });
    const hidden = [
      ...["privateKey"].map((name) => pair.state[name]),
      ...["htpasswd", "resticUrl"].map((name) => repo.state[name]),
    ];
    const texts = hidden.map((value) => {
      const { value: text, ...mark } = value as { value: string };
      assert.deepEqual({ ...mark, value: "" }, secret(""));
      return text;
    });
    const plainState = { ...repo.state, htpasswd: texts[1], resticUrl: texts[2] };
    const read = await plugin.read("Repo", repo.id, { properties: plainState, inputs: repo.inputs });
    const updated = await plugin.update("Repo", repo.id, plainState, { ...repo.inputs, quota: 3 });
    const imported = await plugin.read("Repo", repo.id);
    for (const values of [read.state, updated, imported.state]) {
      assert.deepEqual(values.htpasswd, secret(texts[1]));
      assert.deepEqual(values.resticUrl, secret(texts[2]));
    }
    assert.doesNotMatch(JSON.stringify([imported.inputs, read.inputs]), /htpasswd|resticUrl/);
  });

  it("a resource of another package is an error and no crash", async () => {
    await assert.rejects(plugin.check("Nothing", {}), { message: /knows no resource Nothing/ });
    assert.ok(await plugin.invoke("getAccount", {}));
  });

  describe("when the run is interrupted", () => {
    it("a create stops waiting, and the next run recovers what it has made", async () => {
      account.emulator.control.addFault({ operation: "repoAdd", kind: "silence", work: true });
      const failed = assert.rejects(plugin.create("Repo", { region: "eu" }), {
        message: /the run was interrupted.*Not retried/,
      });
      await until(() => account.mutations().includes("repoAdd"), 30, "repoAdd is asked for");
      const interruptedAt = Date.now();
      await plugin.call("cancel", new Empty());
      await failed;
      assert.ok(Date.now() - interruptedAt < 25_000, "it has waited for the timeout of the request");
      assert.equal((await account.console.repos()).length, 1);
      await plugin.configure(settings());
      const { id } = await plugin.create("Repo", { region: "eu" });
      assert.deepEqual(
        (await account.console.repos()).map((repo) => repo.id),
        [id],
      );
    });

    it("a create that recovers an object, and cannot change it, saves it all the same", async () => {
      account.emulator.control.addFault({ operation: "repoAdd", kind: "silence", work: true });
      const failed = assert.rejects(plugin.create("Repo", { region: "eu" }));
      await until(() => account.mutations().includes("repoAdd"), 30, "repoAdd is asked for");
      await plugin.call("cancel", new Empty());
      await failed;
      await plugin.configure(settings());
      account.emulator.control.addFault({ operation: "repoEdit", kind: "status", status: 400 });
      await assert.rejects(plugin.create("Repo", { region: "eu", quota: 5 }), (error: ServiceError) => {
        const saved = savedBy(error.metadata.get("grpc-status-details-bin")[0]);
        assert.equal(saved.getId().length, 8);
        assert.deepEqual(valuesOf(saved.getInputs()), { region: "eu", quota: 5 });
        const { quota, __declared } = valuesOf(saved.getProperties());
        assert.deepEqual([quota, __declared], [0, "region,quota"]);
        return true;
      });
    });

    it("a retry does not wait, and nothing new is begun", async () => {
      account.emulator.control.addFault({ operation: "repoList", kind: "status", status: 429, count: null });
      const failed = assert.rejects(plugin.invoke("getRepos", {}), { message: /the run was interrupted/ });
      await until(() => account.emulator.control.log().length > 0, 30, "repoList is asked for");
      await plugin.call("cancel", new Empty());
      await failed;
      const asked = account.emulator.control.log().length;
      await assert.rejects(plugin.invoke("getAccount", {}), { message: /the run was interrupted/ });
      assert.equal(account.emulator.control.log().length, asked);
    });
  });

  it("a partial failure carries the state that the engine must save, its secrets encrypted", async () => {
    const saved = { id: "x", state: { name: "web", htpasswd: "hidden" }, inputs: { region: "eu" } };
    const error = toServiceError(
      new PartialFailure(new ProviderError("remote", "It failed half-way."), saved),
      new Set(["htpasswd"]),
    );
    assert.equal(error.details, "It failed half-way.");
    const failed = savedBy(error.metadata?.get("grpc-status-details-bin")[0]);
    assert.deepEqual(
      [failed.getId(), failed.getReasonsList(), valuesOf(failed.getProperties()), valuesOf(failed.getInputs())],
      ["x", ["It failed half-way."], { name: "web", htpasswd: secret("hidden") }, { region: "eu" }],
    );
  });
});

/** The state that an engine saves after a partial failure, from the trailer of the error. */
function savedBy(trailer: unknown): rpc.ErrorResourceInitFailed {
  const [detail] = Status.deserializeBinary(trailer as Buffer).getDetailsList();
  assert.equal(detail?.getTypeName(), "pulumirpc.ErrorResourceInitFailed");
  return rpc.ErrorResourceInitFailed.deserializeBinary(detail?.getValue_asU8() ?? new Uint8Array());
}
