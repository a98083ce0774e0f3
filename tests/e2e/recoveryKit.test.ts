import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAccount } from "../support/account";
import { startUi, type Ui } from "../support/borgUi";
import { execute, MAIN, ProjectStack, ROOT } from "../support/project";
import { RecoveryKit } from "../support/recoveryKit";
import { StorageBox } from "../support/storageBox";

/** What no shell, editor or Markdown may change. */
const PASSPHRASE = 'it\'s "so" $HOME `id` \\n ```\nEND\n  100% | ünï\t!';

const PROGRAM = `import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";

const config = new pulumi.Config();
const passphrase = config.requireSecret("passphrase");

class Machine extends pulumi.ComponentResource {
  readonly pair = new borgbase.KeyPair("web-1", { comment: "root@web-1" }, { parent: this });
  readonly key = new borgbase.SshKey("web-1", { publicKey: this.pair.publicKey }, { parent: this });
  readonly repo = new borgbase.Repo("web-1", { region: "eu", fullAccessKeys: [this.key.id] }, { parent: this });
  constructor(name: string) {
    super("test:index:Machine", name);
  }
}
const { pair, key, repo } = new Machine("web-1");

// The same name and type elsewhere in the program.
new borgbase.Repo("web-1", { name: "other", region: "us", alertDays: 3 });
export const resticUrl = new borgbase.Repo("photos", { region: "eu", format: "restic" }).resticUrl;

new borgbase.SshConnection("box", {
  host: config.require("host"),
  port: config.requireNumber("port"),
  username: config.require("username"),
  hostKey: config.require("hostKey"),
  password: config.requireSecret("password"),
  publicKey: pair.publicKey,
  privateKey: pair.privateKey,
  restrict: { borgServe: { path: "laptop", appendOnly: true } },
});

const systemKey = new borgbase.borgui.SystemKey("ui");
const uiKey = new borgbase.SshKey("ui", { publicKey: systemKey.publicKey });
const uiRepo = new borgbase.Repo("ui", { region: "eu", fullAccessKeys: [uiKey.id], appendOnlyKeys: [key.id] });
const connection = new borgbase.borgui.Connection("borgbase", {
  host: uiRepo.repoPath.apply((path) => new URL(path).hostname),
  port: uiRepo.repoPath.apply((path) => Number(new URL(path).port)),
  username: uiRepo.id,
  keyId: systemKey.id,
  trustAnyHostKey: true,
});
const repository = new borgbase.borgui.Repository("ui", { connectionId: connection.id, path: "/./repo", passphrase });
export const planId = new borgbase.borgui.BackupPlan("ui", {
  sourceDirectories: [config.require("source")],
  repositoryIds: [repository.id],
}).id;

export const repoPath = repo.repoPath;
export const privateKey = pair.privateKey;
`;

/** Every text that an export marks as a secret, however deep. */
function secretsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const { plaintext } = value as { plaintext?: string };
  return plaintext === undefined ? Object.values(value).flatMap(secretsIn) : textsIn(JSON.parse(plaintext));
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

describe("pulumi-borgbase recovery-kit, after the loss of a stack", function () {
  this.timeout(600_000);
  const outside = mkdtempSync(join(tmpdir(), "borgbase-recovery-"));
  const project = join(ROOT, ".local", `recovery-${process.pid}`);
  const kitFile = join(outside, "KIT.md");
  let account: Awaited<ReturnType<typeof startAccount>>;
  let ui: Ui;
  let box: StorageBox;
  let stack: ProjectStack;

  const home = (name: string) => ({ PULUMI_HOME: join(outside, name) });
  const makeKit = (...args: string[]) =>
    stack.execute(process.execPath, MAIN, "recovery-kit", "--cwd", project, ...args);

  before(async () => {
    [account, ui, box] = await Promise.all([startAccount({ storage: true }), startUi(), StorageBox.start()]);
    mkdirSync(project, { recursive: true });
    mkdirSync(join(outside, "source"));
    writeFileSync(join(outside, "source", "precious"), "what must not get lost");
    writeFileSync(join(project, "Pulumi.yaml"), "name: backups\nruntime: nodejs\n");
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "backups", private: true, main: "index.ts" }));
    const compilerOptions = { module: "nodenext", strict: true, skipLibCheck: true, noEmit: true };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    writeFileSync(join(project, "index.ts"), PROGRAM);
    stack = await ProjectStack.create(project, { ...account.env, ...ui.env, ...home("old-home") });
    const config = { ...box.config, passphrase: PASSPHRASE, source: join(outside, "source") };
    for (const [name, value] of Object.entries(config))
      await stack.works("config", "set", /^pass/.test(name) ? "--secret" : "--plaintext", name, value);
    await stack.works("up", "--yes", "--skip-preview");
    await backUp();
  });
  after(async () => {
    await Promise.all([account.emulator.close(), ui.emulator.close(), box.close()]);
    for (const folder of [outside, project, stack.backend]) rmSync(folder, { recursive: true, force: true });
  });

  /** With real programs: borg and restic of a machine, and a plan of Borg UI. */
  async function backUp(): Promise<void> {
    const { planId, repoPath, resticUrl, privateKey } = await stack.outputs();
    assert.equal(await ui.console.run(String(planId)), "completed");
    const key = join(outside, "key");
    writeFileSync(key, String(privateKey), { mode: 0o600 });
    const borg = {
      BORG_REPO: String(repoPath),
      BORG_PASSPHRASE: PASSPHRASE,
      BORG_BASE_DIR: join(outside, "base"),
      BORG_RSH: `ssh -F none -i ${key} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null`,
    };
    const restic = {
      RESTIC_REPOSITORY: String(resticUrl),
      RESTIC_PASSWORD: PASSPHRASE,
      RESTIC_CACHE_DIR: join(outside, "c"),
    };
    const commands: [string, string[], Record<string, string>][] = [
      ["borg", ["init", "--encryption", "repokey"], borg],
      ["borg", ["create", "::first of all", "source"], borg],
      ["restic", ["init"], restic],
      ["restic", ["backup", "source"], restic],
    ];
    for (const [program, args, env] of commands) {
      const { ok, output } = await execute(program, args, outside, env);
      assert.ok(ok, `${program} ${args.join(" ")}: ${output}`);
    }
  }

  it("Without --with-secrets it holds no secret of the state, and the same text each time", async () => {
    const made = await makeKit("--out", kitFile);
    assert.ok(made.ok, made.output);
    const text = readFileSync(kitFile, "utf8");
    const exported = JSON.parse(await stack.works("stack", "export", "--show-secrets"));
    const secrets = new Set(secretsIn(exported.deployment.resources));
    for (const each of [PASSPHRASE, account.console.token, ...(await account.console.passwords())])
      assert.ok(secrets.has(each) || each === account.console.token, "the search finds secrets");
    assert.ok(secrets.size > 4);
    for (const secret of [...secrets, account.console.token, ui.emulator.token]) {
      for (const line of secret.split("\n").filter((each) => each.trim().length > 3 && !/^-----/.test(each)))
        assert.ok(!text.includes(line.trim()), `${line} of a secret`);
    }
    assert.ok((await makeKit("--out", kitFile)).ok);
    assert.equal(readFileSync(kitFile, "utf8"), text);
    assert.match(
      text,
      /the state: `passphrase` of borgui\.Repository `ui`<br>the stack's configuration: `backups:passphrase`/,
    );
    rmSync(kitFile);
  });

  it("Its steps, followed literally, restore every backup and take every object into a new stack", async () => {
    const made = await makeKit("--with-secrets", "--out", kitFile);
    assert.ok(made.ok, made.output);
    assert.match(made.output, /HOLDS SECRETS/);
    assert.equal(statSync(kitFile).mode & 0o777, 0o600);
    const text = readFileSync(kitFile, "utf8");
    if (process.env.KEEP_KIT) writeFileSync(process.env.KEEP_KIT, text);
    const contents = async () => [
      await account.console.keys(),
      await account.console.repos(),
      await ui.console.plans(),
      box.authorizedKeys,
    ];
    const before = await contents();
    account.mutations();
    ui.changes();

    for (const folder of [stack.backend, join(outside, "old-home"), join(outside, "source")])
      rmSync(folder, { recursive: true });
    const kit = new RecoveryKit(text, project, {
      ...account.env,
      ...ui.env,
      ...home("new-home"),
      PULUMI_BACKEND_URL: `file://${mkdtempSync(join(outside, "backend-"))}`,
      PULUMI_CONFIG_PASSPHRASE: "another one",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    });
    await kit.follow("1. Prepare");
    // Pulumi never had these two: a person has to know them.
    for (const name of ["web-1", "photos"])
      writeFileSync(join(project, "recovery/secrets", `${name}.passphrase`), `${PASSPHRASE}\n`);
    const id = (name: string) => (before[1] as { id: string; name: string }[]).find((each) => each.name === name)?.id;
    for (const name of ["web-1", "photos", "ui"]) await kit.follow(`\`${name}\` (\`${id(name)}\`)`);
    const restored = (path: string) => readFileSync(join(project, "restored", path, "precious"), "utf8");
    assert.equal(restored("web-1/source"), "what must not get lost");
    assert.equal(restored(`ui/${join(outside, "source")}`), "what must not get lost");
    assert.equal(restored("photos/source"), "what must not get lost");

    await kit.followWith(join(project, "index.ts"), "3. Manage everything again");
    await kit.follow("4. Clean up");
    assert.deepEqual(await contents(), before);
    assert.deepEqual([account.mutations(), ui.changes()], [[], []]);
    assert.equal(statSync(join(project, "recovery"), { throwIfNoEntry: false }), undefined);
  });
});
