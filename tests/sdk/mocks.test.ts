import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PendingCreates } from "../../provider/pendingCreates";
import { ENDPOINT, program } from "./support/program";

/** Records each call and returns the mocked answer of the function, or fails without one. */
const CALLS = `
const calls = [];
class Mocks {
  answers = {
    getRepo: { id: "a", name: "web", currentUsage: 12 }, getRepos: [{ id: "a" }, { id: "b" }],
    getSshKey: { id: "1" }, getSshKeys: [{ id: "1" }], getAccount: { plan: "test" },
    getStorage: { total: 5 }, testConnection: { status: "ok" },
  };
  newResource({ name, inputs }) { return { id: name + "-id", state: inputs }; }
  async call({ token, inputs, provider }) {
    calls.push([token, inputs, provider]);
    const answer = this.answers[token.split(":")[2]];
    if (!answer) throw new Error("no such function");
    return answer;
  }
}
const mocks = new Mocks();
pulumi.runtime.setMocks(mocks, "project", "stack");
const valueOf = (output) => new Promise((resolve) => output.apply(resolve));
`;
const CALL = { mocks: CALLS };

const WHERE = '{ host: "h", username: "u", hostKey: "SHA256:x", password: pulumi.secret("p") }';
const FUNCTIONS = {
  getRepo: '{ name: "web" }',
  getRepos: '{ name: "web" }',
  getSshKey: '{ id: "1" }',
  getSshKeys: "",
  getAccount: "",
  getStorage: WHERE,
  testConnection: WHERE,
};

describe("Data functions with Pulumi's mocks", () => {
  it("Data functions are answered by mocks.call, as promises and as outputs, with their token and arguments", () => {
    const plain = Object.entries(FUNCTIONS).map(([name, args]) => `${name}: await borgbase.${name}(${args})`);
    const outputs = Object.entries(FUNCTIONS).map(
      ([name, args]) => `${name}: await valueOf(borgbase.${name}Output(${args}))`,
    );
    const { promised, applied, calls, expected } = program(
      `(async () => {
        const promised = { ${plain.join(",\n").replaceAll('pulumi.secret("p")', '"p"')} };
        const applied = { ${outputs.join(",\n")} };
        answer({ promised, applied, calls, expected: mocks.answers });
      })();`,
      CALL,
    );
    assert.deepEqual(promised, expected);
    assert.deepEqual(applied, expected);
    const where = { host: "h", username: "u", hostKey: "SHA256:x", password: "p" };
    const inputs = [{ name: "web" }, { name: "web" }, { id: "1" }, {}, {}, where, where];
    const once = Object.keys(FUNCTIONS).map((name, index) => [`borgbase:index:${name}`, inputs[index], null]);
    assert.deepEqual(calls, [...once, ...once]);
  });

  it("Data functions wait for the resources of their arguments, and name the provider", () => {
    const { calls, usage } = program(
      `const provider = new borgbase.Provider("other", { token: "t" });
       const repo = new borgbase.Repo("web", { region: "eu" }, { provider });
       const usage = borgbase.getRepoOutput({ id: repo.id }, { provider }).currentUsage;
       usage.apply((usage) => answer({ calls, usage }));`,
      CALL,
    );
    assert.equal(usage, 12);
    const [[token, inputs, provider]] = calls as [[string, object, string]];
    assert.deepEqual([token, inputs], ["borgbase:index:getRepo", { id: "web-id" }]);
    assert.match(provider, /^urn:pulumi:stack::project::pulumi:providers:pulumi-nodejs::other::other-id$/);
  });

  it("Data functions keep the error of failed mocks, and an error without a handler ends no process", () => {
    const { message } = program(
      `mocks.answers = {};
       borgbase.getRepoOutput({ id: "a" });
       borgbase.getReposOutput();
       borgbase.getRepo({ id: "a" }).catch(({ message }) => setTimeout(() => answer({ message }), 300));`,
      CALL,
    );
    assert.equal(message, "no such function");
  });

  it("Data functions name the required result where mocks return the arguments of a list", () => {
    const { messages } = program(
      `Promise.allSettled([borgbase.getRepos(), borgbase.getSshKeys(), borgbase.getRepo({ id: "a" })]).then((all) =>
         answer({ messages: all.map(({ reason }) => reason?.message ?? "") }));`,
    );
    assert.deepEqual(messages, [
      'getRepos: mocks.call must return a list for the token "borgbase:index:getRepos".',
      'getSshKeys: mocks.call must return a list for the token "borgbase:index:getSshKeys".',
      "",
    ]);
  });

  it("Data functions stay unknown in a preview while an argument is", () => {
    const { known } = program(
      `const repo = new borgbase.Repo("web", { region: "eu" });
       borgbase.getRepoOutput({ name: repo.createdAt.apply(() => pulumi.unknown) }).isKnown.then((known) => answer({ known }));`,
      { mocks: CALLS.replace('"stack")', '"stack", true)') },
    );
    assert.equal(known, false);
  });
});

describe("Resources in a unit test with Pulumi's mocks", () => {
  it("Pulumi's mocks keep the pending creates of this machine, also of a real stack with the same name", () => {
    const home = mkdtempSync(join(tmpdir(), "borgbase-home-"));
    try {
      const pendingCreates = () => new PendingCreates(ENDPOINT, home);
      pendingCreates().record({ origin: "project/stack/web", kind: "Repo", args: { name: "web" }, before: [] });
      program(
        `process.env.PULUMI_HOME = ${JSON.stringify(home)};
         const repo = new borgbase.Repo("web", { region: "eu" });
         repo.id.apply(() => setTimeout(() => answer({}), 500));`,
      );
      assert.equal(pendingCreates().pendingIn("project", "stack").length, 1);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
});
