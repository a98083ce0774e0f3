import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAccount } from "../support/account";
import { MachineHost } from "../support/machineHost";
import { execute, MAIN, ProjectStack, ROOT } from "../support/project";
import { RecoveryKit } from "../support/recoveryKit";

const BORG = "/etc/pulumi-borgbase/web-1/borg";
const PASSPHRASE = `it's "so" $HOME \\n`;

/** Once with the passphrase from the configuration, and the connection from the program. */
const program = (connection: object) => `import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";

const web = new borgbase.MachineBackup("web-1", {
  connection: ${JSON.stringify(connection)},
  region: "eu",
  paths: ["/srv"],
  passphrase: new pulumi.Config().requireSecret("passphrase"),
});
export const { repositoryKey } = web;
`;

describe("A recovery kit of a machine", function () {
  this.timeout(600_000);
  const outside = mkdtempSync(join(tmpdir(), "borgbase-recovery-"));
  const project = join(ROOT, ".local", `recovery-machine-${process.pid}`);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let host: MachineHost;

  before(async () => {
    const options = { storage: true, dataDir: join(outside, "account") };
    [account, host] = await Promise.all([startAccount(options), MachineHost.start({ suite: "trixie" })]);
    mkdirSync(project, { recursive: true });
    writeFileSync(join(project, "Pulumi.yaml"), "name: backups\nruntime: nodejs\n");
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "backups", private: true, main: "index.ts" }));
    const compilerOptions = { module: "nodenext", strict: true, skipLibCheck: true, noEmit: true };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    writeFileSync(join(project, "index.ts"), program(host.connection));
  });
  after(async () => {
    await host.stop();
    await account.emulator.close();
    for (const folder of [outside, project]) rmSync(folder, { recursive: true, force: true });
  });

  it("Its steps restore the machine's backup, also without the repository's key, and take the job over", async () => {
    await host.output("systemctl is-system-running --wait; mkdir -p /srv/data; echo precious > /srv/data/file");
    const home = (name: string) => ({ PULUMI_HOME: join(outside, name) });
    const stack = await ProjectStack.create(project, { ...account.env, ...home("old-home") });
    await stack.works("config", "set", "--secret", "passphrase", PASSPHRASE);
    await stack.works("up", "--yes", "--skip-preview");
    await host.output("systemctl start borgbase-web-1.service");
    const kitFile = join(outside, "KIT.md");
    const make = (...args: string[]) =>
      stack.execute(process.execPath, MAIN, "recovery-kit", "--out", kitFile, ...args);

    // Without secrets, the kit says how to read them from the machine.
    const plain = await make();
    assert.ok(plain.ok, plain.output);
    const [commands] = new RecoveryKit(readFileSync(kitFile, "utf8"), project, {})
      .blocks("Secrets")
      .filter(({ language }) => language === "text");
    const there = commands?.code.split("\n").map((line) => line.replace(/^ssh .*?root@127\.0\.0\.1 (.*) > .*/, "$1"));
    const read = await host.output(there?.join("\n") ?? "");
    for (const part of ["BEGIN OPENSSH PRIVATE KEY", PASSPHRASE, "BORG_KEY "]) assert.ok(read.includes(part), part);
    assert.ok(!readFileSync(kitFile, "utf8").includes(PASSPHRASE));

    const made = await make("--with-secrets");
    assert.ok(made.ok, made.output);
    if (process.env.KEEP_KIT) writeFileSync(process.env.KEEP_KIT, readFileSync(kitFile));
    for (const folder of [stack.backend, join(outside, "old-home")]) rmSync(folder, { recursive: true });
    const [repo] = await account.console.repos();
    const before = [await account.console.keys(), await account.console.repos()];
    account.mutations();

    const env = {
      ...account.env,
      ...home("new-home"),
      PULUMI_BACKEND_URL: `file://${mkdtempSync(join(outside, "backend-"))}`,
      PULUMI_CONFIG_PASSPHRASE: "another one",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    const kit = new RecoveryKit(readFileSync(kitFile, "utf8"), project, env);
    await kit.follow("1. Prepare");
    const section = `\`web-1\` (\`${repo?.id}\`)`;
    await kit.follow(section);
    const restored = join(project, "restored/web-1/srv/data/file");
    assert.equal(readFileSync(restored, "utf8"), "precious\n");

    // A repository whose own key is gone: its configuration holds it.
    const config = execFileSync("find", [join(outside, "account"), "-path", `*${repo?.id}*/repo/config`], {
      encoding: "utf8",
    }).trim();
    writeFileSync(config, readFileSync(config, "utf8").replace(/^key = [\s\S]*?\n(?!\t)/m, "key = \n"));
    const list = () => execute("recovery/borg-web-1", ["list"], project, env);
    assert.ok(!(await list()).ok);
    const [repair] = kit.blocks(section).filter(({ code }) => code.includes("key import"));
    const repaired = await execute("sh", ["-c", repair?.code ?? "false"], project, env);
    assert.ok(repaired.ok, repaired.output);
    assert.ok((await list()).ok);

    await kit.followWith(join(project, "index.ts"), "3. Manage everything again");
    assert.deepEqual([await account.console.keys(), await account.console.repos()], before);
    assert.deepEqual(account.mutations(), []);
    await host.output("systemctl start borgbase-web-1.service");
    assert.equal((await host.output(`${BORG} list --short`)).split("\n").length, 2);
    await kit.follow("4. Clean up");
    assert.ok(!readdirSync(project).includes("recovery"));
  });
});
