import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deploy } from "../../../../provider/ssh/authorizedKeys/deploy";
import {
  type Restriction,
  renderOptions,
  restrictionProblems,
} from "../../../../provider/ssh/authorizedKeys/restriction";
import { closeIdleSessions } from "../../../../provider/ssh/connection/withSession";
import { SshError } from "../../../../provider/ssh/error";
import { generate, type KeyMaterial } from "../../../../provider/ssh/keys";
import { type TestAccount, TestHost } from "../support/accounts";
import { Sshd } from "../support/sshd";

describe("The forced command of a deployed key", function () {
  this.timeout(600_000);
  let host: TestHost;
  let sshd: Sshd;
  let key: KeyMaterial;
  let other: KeyMaterial;

  before(async () => {
    host = new TestHost();
    sshd = await Sshd.start(host);
    [key, other] = await Promise.all([generate({ comment: "deployed" }), generate({ comment: "someone else" })]);
  });
  after(async () => {
    closeIdleSessions();
    await sshd?.stop();
    host?.remove();
  });
  afterEach(closeIdleSessions);

  const fileOf = ({ home }: TestAccount) => join(home, ".ssh/authorized_keys");
  const borg = (program?: string): Restriction => ({
    borgServe: { path: "backups", ...(program !== undefined && { program }) },
  });

  /** An account with another key in its file. */
  function account(shell?: string): TestAccount {
    const made = host.account(shell === undefined ? {} : { shell });
    mkdirSync(join(made.home, ".ssh"), { mode: 0o700 });
    writeFileSync(fileOf(made), `${other.publicKey}\n`, { mode: 0o600 });
    execFileSync("chown", ["-R", `${made.username}:`, join(made.home, ".ssh")]);
    return made;
  }

  const put = (to: TestAccount, restriction: Restriction, more: object = {}) =>
    deploy(sshd.target(to), {
      publicKey: key.publicKey,
      privateKey: key.privateKey,
      options: renderOptions(restriction),
      ...more,
    });

  async function refused(to: TestAccount, restriction: Restriction, ...texts: RegExp[]): Promise<void> {
    const error = await put(to, restriction).then(
      () => assert.fail("it succeeded"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof SshError, String(error));
    assert.equal(error.kind, "session");
    for (const text of [/its command does not run; it was taken off again/, ...texts])
      assert.match(error.message, text);
    assert.doesNotMatch(error.message, /[\r\n]/);
    assert.equal(readFileSync(fileOf(to), "utf8"), `${other.publicKey}\n`);
  }

  it("A key for borg serve is connected with borg under its default name, another name or a path", async () => {
    const path = execFileSync("sh", ["-c", "command -v borg"], { encoding: "utf8" }).trim();
    const named = host.script("borg-1.4", `#!/bin/sh\nexec ${path} "$@"\n`);
    for (const program of [undefined, path, named]) {
      const { status, access } = await put(account(), borg(program));
      assert.deepEqual([status, access], ["connected", "restricted"], program);
    }
  });

  it("A missing program is an error with the host's message, and leaves nothing behind", async () => {
    const said = /cannot run "borg-9\.9 serve .*exit code 127, and the host said: .*borg-9\.9: .*not found/;
    await refused(account(), borg("borg-9.9"), said, /restrict\.borgServe\.program/);
    await refused(account(), borg("/opt/none/borg"), /exit code 127.*\/opt\/none\/borg: not found/);
  });

  it("A program without execute permission is an error", async () => {
    const locked = host.script("locked", "#!/bin/sh\n");
    execFileSync("chmod", ["644", locked]);
    await refused(account(), borg(locked), /exit code 126, and the host said: .*Permission denied/);
  });

  it("An unknown command is an error also in shells with a message of their own", async () => {
    const tcsh = host.script("tcsh", '#!/bin/sh\necho "borg: Command not found."\nexit 1\n');
    const nologin = host.script("nologin", '#!/bin/sh\necho "This account is currently not available."\nexit 1\n');
    await refused(account(host.boxShell()), borg("borg-9.9"), /host said: Command not found\. Use 'help'/);
    const passing = (shell: string) =>
      host.script(
        `${shell.split("/").at(-1)}-sftp`,
        `#!/bin/sh\ncase "$2" in *sftp-server*) exec $2;; esac\nexec ${shell} "$@"\n`,
      );
    await refused(account(passing(tcsh)), borg(), /exit code 1, and the host said: borg: Command not found/);
    await refused(account(passing(nologin)), borg(), /host said: This account is currently not available/);
  });

  it("A forced command that fails keeps the line of the replaced key", async () => {
    const to = account();
    await assert.rejects(put(to, borg("borg-9.9"), { replaces: other.publicKey }), /exit code 127/);
    assert.equal(readFileSync(fileOf(to), "utf8"), `${other.publicKey}\n`);
  });

  it("A server in raw options is tested, and only a missing program is an error", async () => {
    await refused(
      account(),
      { options: 'restrict,command="no-such-tool serve --stdio"' },
      /exit code 127/,
      /restrict\.options/,
    );
    await refused(account(), { options: 'command="/opt/none/rrsync -ro /srv"' }, /exit code 127/);
    const failing = host.script("failing", "#!/bin/sh\necho usage >&2\nexit 2\n");
    for (const command of [`${failing} --server`, 'sh -c \\"exit 3\\" serve']) {
      assert.equal((await put(account(), { options: `restrict,command="${command}"` })).status, "connected", command);
    }
  });

  it("A command in raw options that would do its work at once is not started", async () => {
    const to = account();
    const trace = join(to.home, "trace");
    const options = `command="touch ${trace}"`;
    assert.deepEqual([(await put(to, { options })).access, existsSync(trace)], ["restricted", false]);
  });

  it("A program of more than one word is refused before any contact", () => {
    const problems = (program: string) => restrictionProblems(borg(program)).map(({ property }) => property);
    for (const program of ["borg", "borg-1.4", "borg1", "borg_2.0b", "/usr/local/bin/borg", "/opt/borg-1.4/bin/borg"]) {
      assert.deepEqual(problems(program), [], program);
      assert.match(renderOptions(borg(program)), new RegExp(`command="${program} serve --restrict-to-path backups"$`));
    }
    const bad = [
      "",
      " borg",
      "borg serve",
      "borg;id",
      "$(id)",
      "`id`",
      "a|b",
      "a&b",
      "borg\n",
      'b"org',
      "b'org",
      "b\\org",
    ];
    for (const program of [
      ...bad,
      "-borg",
      "--",
      ".",
      "../borg",
      "bin/borg",
      "~/borg",
      "/",
      "/usr/bin/",
      "A=b",
      "b%rg",
      "b*rg",
    ]) {
      assert.deepEqual(problems(program), ["restrict.borgServe.program"], program);
    }
  });
});
