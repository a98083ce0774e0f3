import { strict as assert } from "node:assert";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { execute, ROOT } from "../support/project";

const files = readdirSync(join(ROOT, "examples"), { recursive: true, encoding: "utf8" }).filter((file) =>
  /^(?!.*node_modules).*\.test\.ts$/.test(file),
);

describe("Unit tests of the examples", () => {
  it("Unit tests of the examples exist", () => {
    assert.ok(files.length > 0);
  });

  for (const file of files) {
    it(`Unit tests of ${file} pass without an account and without the CLI`, async () => {
      const env = { PATH: dirname(process.execPath), BORGBASE_ENDPOINT: "http://127.0.0.1:1/" };
      const { ok, output } = await execute(process.execPath, ["--test"], dirname(join(ROOT, "examples", file)), env);
      assert.ok(ok, output);
      assert.match(output, /^ℹ pass [1-9]/m);
      assert.match(output, /^ℹ fail 0/m);
    }).timeout(60_000);
  }
});
