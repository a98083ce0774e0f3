import { strict as assert } from "node:assert";
import { borgBaseTests } from "./conformance/borgBase";
import { connectionTests } from "./conformance/connections";
import { deploymentTests } from "./conformance/deployments";
import { hookTests } from "./conformance/hooks";
import { keyTests } from "./conformance/keys";
import { loginTests } from "./conformance/login";
import { planTests } from "./conformance/plans";
import { repositoryTests } from "./conformance/repositories";
import { repositoryChangeTests } from "./conformance/repositoryChanges";
import { runTests } from "./conformance/runs";
import { transportTests } from "./conformance/transport";
import { Server } from "./support";

/**
 * The behaviour of Borg UI 2.3.0-alpha.1 that this provider relies on. Runs against the emulator, or with
 * `BORG_UI_TEST_URL`, `BORG_UI_TEST_USERNAME` and `BORG_UI_TEST_PASSWORD` against a real server on this machine. That
 * server loses its plans, repositories, connections, keys and users.
 */
describe("Borg UI", function () {
  // Borg and SSH are real.
  this.timeout(120_000);
  let server: Server;
  before(async () => {
    server = await Server.given();
    assert.notEqual(server.session, undefined, "the login failed");
  });
  beforeEach(() => server.clear());
  after(() => server?.close());

  const given = () => server;
  loginTests(given);
  transportTests(given);
  keyTests(given);
  deploymentTests(given);
  connectionTests(given);
  repositoryTests(given);
  repositoryChangeTests(given);
  borgBaseTests(given);
  planTests(given);
  hookTests(given);
  runTests(given);
});
