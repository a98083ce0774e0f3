import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

const HOSTS = join(__dirname, "../../../provider/hosts");

/** Standard error of a process that calls providers of several packages as Pulumi's dynamic host does. */
function shown(code: string): string {
  const script = `
    const { withExpectedErrors } = require(${JSON.stringify(join(HOSTS, "expectedErrors.js"))});
    const { ProviderError } = require(${JSON.stringify(join(HOSTS, "../errors.js"))});
    const failing = () => withExpectedErrors(async () => { throw new ProviderError("input", "refused, do that"); });
    /** The host's own lines. */
    const answer = async (operation) => {
      try { await operation(); } catch (e) { console.error(\`\${e}: \${e.stack}\`); }
    };
    (async () => { ${code} })();`;
  const { status, stderr } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stderr;
}

describe("The dynamic host's process", () => {
  it("The process prints nothing for an expected error", () => {
    assert.equal(
      shown("await answer(failing); await answer(failing); await Promise.all([1, 2].map(() => answer(failing)))"),
      "",
    );
  });

  it("The process prints all texts of other packages, equal ones too", () => {
    const texts = shown(`
      await answer(failing);
      console.error(": ");
      await Promise.all([answer(failing), answer(async () => { throw Object.assign(new Error("theirs"), { stack: "a stack" }); })]);
      process.stderr.write(": \\n");
      // A line of another form, as a later host may write it.
      try { await failing(); } catch (e) { console.error("failed: " + e); }
      console.error("the end");`);
    assert.equal(texts, ": \nError: theirs: a stack\n: \nfailed: \nthe end\n");
  });

  it("The process keeps another package's writer of standard error", () => {
    const texts = shown(`
      const write = process.stderr.write;
      process.stderr.write = (text) => write.call(process.stderr, "[" + text.trim() + "]");
      const theirs = process.stderr.write;
      await answer(failing);
      if (process.stderr.write !== theirs) throw new Error("another writer");
      console.error("one");`);
    assert.equal(texts, "[one]");
  });

  it("The process keeps its console, standard error and V8 flags after a provider has failed", () => {
    const script = `
      const v8 = require("node:v8");
      v8.setFlagsFromString = () => { throw new Error("a flag of V8 is set"); };
      const before = [console.error, console.log, console.warn, process.stderr.write, Error.prepareStackTrace, Error.stackTraceLimit];
      const { host } = require(${JSON.stringify(join(HOSTS, "dynamic.js"))});
      const provider = host("Repo");
      provider.read("a", { __provider: "x" }).catch((e) => { console.error(\`\${e}: \${e.stack}\`); }).then(() => {
        const after = [console.error, console.log, console.warn, process.stderr.write, Error.prepareStackTrace, Error.stackTraceLimit];
        console.log(after.every((each, index) => each === before[index]));
      });`;
    const env = { PATH: process.env.PATH, BORGBASE_ENDPOINT: "http://127.0.0.1:1/", HOME: "/nonexistent" };
    assert.equal(execFileSync(process.execPath, ["-e", script], { encoding: "utf8", env }), "true\n");
  });
});
