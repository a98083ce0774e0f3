import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../support/project";

const HEAD = `const pulumi = require(${JSON.stringify(require.resolve("@pulumi/pulumi"))});
const borgbase = require(${JSON.stringify(join(ROOT, "dist/sdk"))});
const answer = (values) => require("node:fs").writeFileSync("answer.json", JSON.stringify(values));
`;

/** The endpoint of the program, where no server listens. */
export const ENDPOINT = "http://127.0.0.1:1/";

/** Mocks as a user's unit test sets them, unless a test sets others. */
const MOCKS = `pulumi.runtime.setMocks({
  newResource: ({ name, inputs }) => ({ id: name + "-id", state: inputs }),
  call: ({ inputs }) => inputs,
}, "project", "stack");
`;

/**
 * Runs a program under Pulumi's mocks in a separate process, which must succeed without any network.
 * @returns the values given to `answer`
 */
export function program(code: string, { mocks = MOCKS }: { mocks?: string } = {}): Record<string, unknown> {
  const folder = mkdtempSync(join(tmpdir(), "borgbase-program-"));
  try {
    writeFileSync(join(folder, "program.js"), `${HEAD}${mocks}${code}`);
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      PULUMI_HOME: join(folder, "home"),
      BORGBASE_ENDPOINT: ENDPOINT,
    };
    const { status, stderr, stdout } = spawnSync(process.execPath, ["program.js"], {
      cwd: folder,
      env,
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    const values = require(join(folder, "answer.json")) as Record<string, unknown>;
    return { ...values, printed: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
