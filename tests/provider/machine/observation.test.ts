import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { localMachine } from "../../../provider/machine/host/local";
import { type Entry, observe } from "../../../provider/machine/host/observation";
import { jobNames } from "../../../provider/machine/plan/names";
import type { JobNames } from "../../../provider/machine/plan/types";

describe("Observation of a job", () => {
  const { username } = userInfo();
  let root: string;
  let names: JobNames;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "observed-"));
    const moved = Object.entries(jobNames("web", username)).map(([name, value]) => [
      name,
      value.startsWith("/") ? join(root, value) : value,
    ]);
    names = Object.fromEntries(moved) as JobNames;
    mkdirSync(names.folder, { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const seen = async () => (await observe(localMachine({ sudo: false }), names, username)).entries;
  const textOf = (entry: Entry | undefined) => (entry?.kind === "file" ? entry.text : undefined);

  it("reads every text as it is: empty, without a last line break, with lines like those between two texts", async () => {
    const texts = {
      [names.manifest]: "{}",
      [names.config]: `a: ü\n\n==> /etc/passwd <==\n\n==> ${names.manifest} <==\n\n==> ${names.cronPath} <==\nb: 1\n\n`,
      [names.knownHosts]: "",
      [names.cronPath]: "last\n",
    };
    mkdirSync(join(root, "etc/cron.d"));
    for (const [path, text] of Object.entries(texts)) writeFileSync(path, text);
    const entries = await seen();
    assert.deepEqual(Object.fromEntries(Object.keys(texts).map((path) => [path, textOf(entries.get(path))])), texts);
  });

  it("reads a manifest behind a link", async () => {
    const elsewhere = join(root, "elsewhere");
    writeFileSync(elsewhere, '{"version":1}\n');
    symlinkSync(elsewhere, names.manifest);
    writeFileSync(names.config, "a: 1\n");
    const { entries, manifest } = await observe(localMachine({ sudo: false }), names, username);
    assert.deepEqual([entries.get(names.manifest)?.kind, textOf(entries.get(names.config))], ["link", "a: 1\n"]);
    assert.ok(manifest);
  });

  it("lists what each folder holds, and shows no text of a secret file", async () => {
    writeFileSync(names.privateKey, "secret");
    writeFileSync(join(names.folder, ".draft of mine"), "");
    mkdirSync(names.serviceDropIns, { recursive: true });
    const entries = await seen();
    const [folder, empty, key] = [names.folder, names.serviceDropIns, names.privateKey].map((each) =>
      entries.get(each),
    );
    assert.deepEqual(folder?.kind === "folder" && folder.names.sort(), [".draft of mine", "id"]);
    assert.deepEqual(empty?.kind === "folder" && empty.names, []);
    assert.equal(textOf(key), undefined);
    assert.match(key?.kind === "file" ? key.sha256 : "", /^[0-9a-f]{64}$/);
  });

  it("tells links and other things from files, and what is not there", async () => {
    symlinkSync("/etc/passwd", names.passphrase);
    const entries = await seen();
    assert.deepEqual(entries.get(names.passphrase), { kind: "link" });
    assert.equal(entries.get(names.config), undefined);
    assert.equal(entries.get(names.stateFolder), undefined);
  });
});
