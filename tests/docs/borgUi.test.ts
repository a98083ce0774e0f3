import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/project";

/** Every endpoint of the documented SSH API, and the title of a test of what takes its place. */
const ENDPOINTS: Record<string, [file: string, title: string]> = {
  "GET /api/ssh-keys/system-key": ["provider/borgui/hosts", "The server and its key are read as they are"],
  "POST /api/ssh-keys/generate": ["provider/hosts/borgui", "system key: made once"],
  "POST /api/ssh-keys/import": ["provider/borgui/hosts", "A system key is imported from a file of the server"],
  "POST /api/ssh-keys": ["provider/hosts/borgui", "key: one's own"],
  "DELETE /api/ssh-keys/{id}": ["provider/hosts/borgui", "system key: a key in use stays"],
  "POST /api/ssh-keys/quick-setup": ["provider/borgui/hosts", "Deployments of several keys to one account"],
  "POST /api/ssh-keys/{id}/deploy": ["provider/borgui/hosts", "A password deploys the key once"],
  "GET /api/ssh-keys/connections": ["provider/borgui/hosts", "A password deploys the key once"],
  "PUT /api/ssh-keys/connections/{id}": ["provider/hosts/borgui", "connection: what was set goes back"],
  "POST /api/ssh-keys/connections/{id}/test": ["provider/hosts/borgui", "connection: BorgBase runs no command"],
  "POST /api/ssh-keys/connections/{id}/refresh-storage": ["provider/borgui/hosts", "A password deploys the key once"],
  "POST /api/ssh-keys/connections/{id}/redeploy": ["e2e/sshConnectionDrift", "SshConnection"],
  "DELETE /api/ssh-keys/connections/{id}": [
    "provider/hosts/borgui",
    "connection: a plan and a repository that need it",
  ],
};

describe("The endpoints of Borg UI in the documentation", () => {
  it("Every endpoint has a row with its declaration, and a test of it", () => {
    const page = readFileSync(join(ROOT, "docs", "borg-ui.md"), "utf8");
    const rows = [...page.matchAll(/^\| `((?:GET|POST|PUT|DELETE) \/api\S*)` \| \S.*\|$/gm)].map(([, row = ""]) => row);
    assert.deepEqual(rows.sort(), Object.keys(ENDPOINTS).sort());
    for (const [file, title] of Object.values(ENDPOINTS)) {
      const tests = readFileSync(join(ROOT, "tests", `${file}.test.ts`), "utf8");
      assert.ok(tests.includes(title), `${file}: ${title}`);
    }
  });
});
