import assert from "node:assert/strict";
import { configDrift, type Drift, jobNames, renderPlan } from "../../../provider/machine/plan";
import type { BackupJobInputs } from "../../../provider/schema/backupJob";
import { facts, job } from "./support";

const VERSIONS = ["1.7.7", "1.8.3", "1.9.14", "2.1.10"];

function rendered(change: Partial<BackupJobInputs>, version: string): string {
  const file = renderPlan(job(change), facts(version)).files.find(({ path }) => path.endsWith("/config.yaml"));
  return file?.content ?? "";
}

function drift(found: string, declared: Partial<BackupJobInputs>, version: string): Drift {
  return configDrift(found, job(declared), jobNames("web", "root"), facts(version));
}

describe("Drift of borgmatic's configuration", () => {
  const CHANGED: [keyof BackupJobInputs & keyof Drift, unknown][] = [
    ["repository", "ssh://other@host/./repo"],
    ["remotePath", "borg14"],
    ["paths", ["/etc", `/home/$\{USER}`]],
    ["exclude", ["*.tmp"]],
    ["excludeIfPresent", [".nobackup"]],
    ["excludeCaches", false],
    ["oneFileSystem", true],
    ["compression", "lz4"],
    ["uploadLimit", 100],
    ["retention", { daily: 7 }],
    ["checks", []],
    ["hooks", { before: ["true"], onError: ["false"] }],
    ["healthchecks", "https://hc-ping.com/1"],
    ["borgmatic", { color: false }],
  ];
  for (const [argument, value] of CHANGED) {
    it(`A change of ${argument} on the host shows as ${argument} with the host's value, and so does its removal`, () => {
      for (const version of VERSIONS) {
        const changed = rendered({ [argument]: value }, version);
        assert.deepEqual(drift(changed, {}, version), { [argument]: value }, version);
        assert.deepEqual(drift(changed, { [argument]: value }, version), {}, version);
        assert.deepEqual(
          Object.keys(drift(rendered({}, version), { [argument]: value }, version)),
          [argument],
          version,
        );
      }
    });
  }

  it("A changed archive name shows as archiveName", () => {
    const found = rendered({ archiveName: "all-{now}" }, "1.9.14");
    assert.deepEqual(drift(found, {}, "1.9.14"), { archiveName: "all-{now}" });
  });

  it("An option of nobody's shows as borgmatic, and an option of the job's own that is gone, too", () => {
    for (const version of VERSIONS) {
      const found = rendered({}, version);
      const foreign = found.replace(/"lock_wait": 600/, '"lock_wait": 600, "retries": 3');
      assert.deepEqual(drift(foreign, {}, version), { borgmatic: { retries: 3 } });
      const without = found.replace(/,\s+"lock_wait": 600/, "");
      assert.deepEqual(drift(without, {}, version), { borgmatic: { lock_wait: null } });
    }
  });

  it("A text that is no configuration, or differs in nothing but blanks, shows as borgmatic", () => {
    assert.deepEqual(drift("location: {}\n", {}, "1.9.14"), { borgmatic: { "config.yaml": "it cannot be read" } });
    const spaced = rendered({}, "1.9.14").replace("{", "{ ");
    assert.deepEqual(drift(spaced, {}, "1.9.14"), { borgmatic: { "config.yaml": "its text is another" } });
  });

  it("Several changed arguments show with one value each", () => {
    const found = rendered({ paths: ["/"], compression: "none" }, "1.7.7");
    assert.deepEqual(drift(found, {}, "1.7.7"), { paths: ["/"], compression: "none" });
  });
});
