import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { startAccount } from "../support/account";
import { MAIN, ProjectStack, ROOT } from "../support/project";

/*
 * `show.json` is the output of `terraform show -json` (Terraform 1.11.4) after the provider gjabell/borgbase had created
 * the objects in `account/`, except the restic repository, which it imported.
 */
const KEPT = join(ROOT, "tests/states/terraform");

interface Resource {
  address: string;
  values: Record<string, unknown>;
}
type State = { values?: { root_module: { resources: Resource[] } } };

/** Pipes its input into `pulumi-borgbase from-terraform`. */
async function convert(input: string) {
  const child = spawn(process.execPath, [MAIN, "from-terraform"]);
  child.stdin.end(input);
  const exit = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { out, err, code };
}

function show(edit: (state: State) => void = () => {}): string {
  const state = JSON.parse(readFileSync(join(KEPT, "show.json"), "utf8"));
  edit(state);
  return JSON.stringify(state);
}

describe("Migration from the Terraform provider after docs/from-terraform.md", function () {
  this.timeout(600_000);
  // The folder is inside the checkout, so that the program resolves the package.
  const folder = join(ROOT, ".local", `from-terraform-${process.pid}`);
  const dataDir = mkdtempSync(join(tmpdir(), "borgbase-terraform-"));
  let account: Awaited<ReturnType<typeof startAccount>>;
  let stack: ProjectStack;

  before(async () => {
    cpSync(join(KEPT, "account"), dataDir, { recursive: true });
    account = await startAccount({ dataDir });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "Pulumi.yaml"), "name: backups\nruntime: nodejs\n");
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "backups", private: true, main: "index.ts" }));
    const compilerOptions = { module: "nodenext", strict: true, skipLibCheck: true, noEmit: true };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    stack = await ProjectStack.create(folder, account.env);
  });
  after(async () => {
    await stack.close();
    await account.emulator.close();
    rmSync(folder, { recursive: true, force: true });
    rmSync(dataDir, { recursive: true, force: true });
  });

  it("A converted program adopts every object, changes nothing and leaves the second preview empty", async () => {
    const { out, err, code } = await convert(show());
    assert.equal(code, 0, err);
    writeFileSync(join(folder, "index.ts"), out);
    const contents = async () => [await account.console.keys(), await account.console.repos()];
    const before = await contents();
    assert.deepEqual(
      before.map(({ length }) => length),
      [4, 5],
    );

    const preview = await stack.works("preview", "--non-interactive");
    assert.equal(preview.match(/^ {4}takes over the SSH key \d+ and changes nothing of it$/gm)?.length, 4, preview);
    assert.equal(preview.match(/^ {4}takes over the repository \w+; it changes nothing of it$/gm)?.length, 5, preview);

    await stack.works("up", "--yes", "--non-interactive");
    assert.deepEqual(await stack.counts(), { SshKey: 4, Repo: 5 });
    assert.deepEqual(account.mutations(), []);
    assert.deepEqual(await contents(), before);
    await stack.works("preview", "--expect-no-changes", "--non-interactive");

    writeFileSync(join(folder, "index.ts"), out.replace(/^ *existingId: .*\n/gm, ""));
    await stack.works("preview", "--expect-no-changes", "--non-interactive");
    await stack.works("refresh", "--preview-only", "--expect-no-changes", "--non-interactive");
  });

  it("A converted program declares only the arguments that differ from their defaults", async () => {
    const { out } = await convert(show());
    const declared = (name: string) => {
      const [, lines] = new RegExp(`^new borgbase\\.Repo\\("${name}", \\{\\n([^]*?)^\\}\\);$`, "m").exec(out) ?? [];
      return lines?.trim().split(/\n\s*/).slice(0, -1);
    };
    assert.deepEqual(declared("plain"), ['region: "eu",']);
    assert.deepEqual(declared("photos"), ['region: "eu",', 'format: "restic",']);
    assert.deepEqual(declared("archive"), [
      'region: "us",',
      'fullAccessKeys: [keys["laptop"].id, keys["no comment"].id],',
      'rsyncKeys: [keys["no comment"].id],',
      "appendOnly: true,",
      "sftpEnabled: true,",
      'borgVersion: "V_1_2_X",',
    ]);
    assert.deepEqual(declared("web-1"), [
      'region: "eu",',
      "quota: 5000,",
      "alertDays: 2,",
      'appendOnlyKeys: [keys["web-1"].id],',
      'fullAccessKeys: [keys["laptop"].id],',
      'compaction: { interval: 2, unit: "weeks", hour: 4, timezone: "Europe/Berlin" },',
    ]);
  });

  it("A converted program names a key outside Terraform's state by its id", async () => {
    const { out } = await convert(
      show(({ values }) => {
        const resources = values?.root_module.resources ?? [];
        resources.splice(
          resources.findIndex(({ address }) => address === "borgbase_ssh_key.bare"),
          1,
        );
      }),
    );
    assert.match(out, /fullAccessKeys: \[keys\["laptop"\]\.id, "\d+"\]/);
  });

  it("The conversion refuses objects of one name, whose ids the Terraform provider confuses", async () => {
    const { out, err, code } = await convert(
      show(({ values }) => {
        const [archive, ...others] = values?.root_module.resources ?? [];
        const plain = others.find(({ address }) => address === "borgbase_borg_repo.plain");
        if (archive && plain) plain.values = { ...archive.values };
      }),
    );
    assert.deepEqual([out, code], ["", 1]);
    assert.match(err, /^.*borgbase_borg_repo\.archive and borgbase_borg_repo\.plain are both named "archive".*\n$/);
  });

  for (const [what, input, complaint] of [
    ["text that is not JSON", "# borgbase_borg_repo.plain:\n", /what `terraform show -json` prints/],
    ["the output of `terraform state pull`", '{"version":4,"resources":[]}', /what `terraform show -json` prints/],
    ["an empty state", '{"format_version":"1.0"}', /holds no SSH key or repository/],
    [
      "a resource without a required attribute",
      show().replaceAll('"public_key"', '"key"'),
      /borgbase_ssh_key\.\w+ has other attributes/,
    ],
  ] as const) {
    it(`The conversion refuses ${what} in one line`, async () => {
      const { out, err, code } = await convert(input);
      assert.deepEqual([out, code, err.split("\n").length], ["", 1, 2]);
      assert.match(err, complaint);
    });
  }
});
