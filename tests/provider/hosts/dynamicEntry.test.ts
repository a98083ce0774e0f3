import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execute, ROOT } from "../../support/project";

/** Loads the entry as the SDK does, and ends when the cache is there. */
const PROGRAM = `
const { existsSync, readdirSync } = require("node:fs");
const { host } = require("./dynamic");
host("Repo").check({}, { region: "eu", alertDays: -1 }).then(({ failures }) => {
  console.log(JSON.stringify(failures.map(({ property }) => property)));
  const isWritten = () => existsSync("./dynamic/cache") && readdirSync("./dynamic/cache").some((name) => !/\\.\\d+$/.test(name));
  if (process.argv[2] === "wait") setInterval(() => isWritten() && process.exit(), 50);
  else process.exit();
});
`;

describe("Entry of the dynamic host", function () {
  this.timeout(120_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "borgbase-entry-"));
    for (const name of ["host.js", "index.js"]) {
      cpSync(join(ROOT, "dist", "dynamic", name), join(folder, "dynamic", name));
    }
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "program.js"), PROGRAM);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const run = async (...args: string[]) => {
    const { ok, output, stdout } = await execute("node", ["program.js", ...args], folder);
    assert.ok(ok, output);
    assert.equal(stdout.trim(), '["alertDays"]');
  };
  const cached = () => readdirSync(join(folder, "dynamic", "cache"));

  it("The entry keeps compiled code in its own folder, and uses it", async () => {
    await run("wait");
    const [file, ...others] = cached();
    assert.deepEqual(others, []);
    assert.ok(file?.startsWith(`${process.version}-${process.arch}-`), file);
    await run();
    assert.deepEqual(cached(), [file]);
  });

  it("The entry works with a damaged cache", async () => {
    await run("wait");
    const file = join(folder, "dynamic", "cache", cached()[0] ?? "");
    writeFileSync(file, "damaged");
    await run();
  });

  it("The entry works in a folder that cannot be written", async () => {
    // No process can make a folder where a file is, not even root's.
    writeFileSync(join(folder, "dynamic", "cache"), "");
    await run();
  });
});
