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

/** Where a program would ask: nobody listens there. */
export const ENDPOINT = "http://127.0.0.1:1/";

/** As a user's unit test sets them, where it does not set others. */
const MOCKS = `pulumi.runtime.setMocks({
  newResource: ({ name, inputs }) => ({ id: name + "-id", state: inputs }),
  call: ({ inputs }) => inputs,
}, "project", "stack");
`;

/**
 * Runs a program under Pulumi's mocks in a process of its own, which must end well; nothing can be asked of the network.
 * @returns what it gave to `answer`
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
