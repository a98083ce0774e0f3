import { strict as assert } from "node:assert";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import { type TestAccount, TestHost } from "../provider/ssh/support/accounts";
import { Sshd } from "../provider/ssh/support/sshd";
import { FarAway } from "../support/farAway";
import { authorizedKeys, byPassword, SshStack, stepsOf, worked, writeAuthorizedKeys } from "../support/sshStack";

const COUNT = 50;
/** One-way latency in milliseconds. */
const DISTANCE = 20;

describe("Many SshConnections of one stack", function () {
  this.timeout(600_000);
  let host: TestHost;
  let sshd: Sshd;
  let hosts: FarAway[];
  let keys: KeyMaterial[];
  let stack: SshStack;
  const port = (index: number) => (hosts[index] as FarAway).port;
  const pair = (index: number) => {
    const { publicKey = "", privateKey = "" } = keys[index] ?? {};
    return { publicKey, privateKey };
  };
  const all = <T>(make: (index: number) => T) => Array.from({ length: COUNT }, (_, index) => make(index));

  before(async () => {
    host = new TestHost();
    sshd = await Sshd.start(host, { config: "MaxStartups 200" });
    hosts = await Promise.all(all(() => FarAway.start(sshd.port, DISTANCE)));
    keys = await Promise.all(all((index) => generate({ comment: `key ${index}` })));
  });
  after(async () => {
    for (const each of hosts ?? []) each.close();
    await sshd?.stop();
    host?.remove();
  });
  beforeEach(async () => {
    stack = await SshStack.create();
  });
  afterEach(async () => stack.close());

  it("Fifty SshConnections are deployed in parallel and refreshed except for one unreachable host", async () => {
    const accounts = all(() => host.account());
    const where = (account: TestAccount, index: number) => ({ ...byPassword(sshd, account), port: port(index) });
    stack.connections = Object.fromEntries(
      accounts.map((account, index) => [`box${index}`, { ...where(account, index), ...pair(index) }]),
    );
    worked(await stack.stack.up({ parallel: COUNT }));
    const { mostAtOnce } = FarAway;
    assert.ok(mostAtOnce >= COUNT / 3, `at most ${mostAtOnce} hosts of ${COUNT} at once`);
    assert.deepEqual(
      accounts.map(authorizedKeys),
      keys.map(({ publicKey }) => `${publicKey}\n`),
    );

    const away = port(17);
    hosts[17]?.close();
    for (const account of accounts) writeAuthorizedKeys(account, "");
    const { ok, output } = await stack.stack.refresh();
    assert.ok(!ok);
    const diagnoses = output.matchAll(/^ {2}borgbase:index:SshConnection (\(\w+\):\n {4}error: .*)$/gm);
    assert.deepEqual(
      [...new Set([...diagnoses].map(([, diagnosis]) => diagnosis))],
      [`(box17):\n    error: cannot connect to 127.0.0.1:${away}: nothing listens there (connection refused)`],
    );
    const { deployment } = await stack.stack.state();
    const statuses = deployment.resources
      .filter(({ type }) => type.endsWith(":SshConnection"))
      .map(({ urn, outputs }) => `${urn.split("::").at(-1)} ${outputs?.status}`);
    assert.deepEqual(statuses.sort(), all((index) => `box${index} ${index === 17 ? "connected" : "missing"}`).sort());
    const repairs = stepsOf(worked(await stack.stack.preview()));
    const others = all((index) => `update box${index}`).filter((step) => step !== "update box17");
    assert.deepEqual(repairs, others.sort());
  });

  it("Thirty SshConnections to one account share sessions, wait for each other and lose or duplicate no key", async () => {
    const account = host.account();
    const before = sshd.log().length;
    const where = { ...byPassword(sshd, account), port: port(0), timeout: 15 };
    // About a second each at this distance: together far longer than the timeout of one.
    const several = keys.slice(0, 30);
    stack.connections = Object.fromEntries(
      several.map(({ publicKey }, index) => [`key${index}`, { ...where, publicKey }]),
    );
    const started = performance.now();
    worked(await stack.stack.up({ parallel: COUNT }));
    assert.ok(performance.now() - started > 15_000, "longer than one of them may take");
    const lines = (authorizedKeys(account) ?? "").trimEnd().split("\n");
    assert.deepEqual(lines.sort(), several.map(({ publicKey }) => publicKey).sort());
    const logins =
      sshd
        .log()
        .slice(before)
        .match(/Accepted password/g) ?? [];
    assert.ok(logins.length <= 6, `${logins.length} logins`);
  });
});
