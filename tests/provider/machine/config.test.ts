import assert from "node:assert/strict";
import { renderPlan } from "../../../provider/machine/plan";
import { facts, job } from "./support";

type Config = Record<string, Record<string, unknown>>;

function config(change: Parameters<typeof job>[0], version?: string): Config {
  const file = renderPlan(job(change), facts(version)).files.find(({ path }) => path.endsWith("/config.yaml"));
  return JSON.parse((file?.content ?? "").replace(/^#.*\n/, ""));
}

describe("borgmatic's configuration of a BackupJob", () => {
  it("The configuration is flat from borgmatic 1.8 on, and in sections before", () => {
    assert.deepEqual(config({}, "1.8.0").source_directories, ["/etc", "/srv"]);
    assert.deepEqual(config({}, "1.7.15").location?.source_directories, ["/etc", "/srv"]);
    assert.deepEqual(Object.keys(config({}, "1.7.7")).sort(), ["consistency", "location", "retention", "storage"]);
  });

  it("The configuration holds no passphrase and no key", () => {
    for (const version of ["1.7.7", "1.9.14"]) {
      assert.doesNotMatch(JSON.stringify(config({}, version)), /it's \$HOME|KEY/);
    }
  });

  it("A job without retention has no keep option and does not prune", () => {
    assert.doesNotMatch(JSON.stringify(config({})), /keep_/);
    const [service] = renderPlan(job(), facts()).schedule.files;
    assert.match(service?.content ?? "", /-1 create check$/m);
  });

  it("A job with retention prunes only its own archives, whatever the version", () => {
    const retention = { within: "2d", daily: 7, weekly: 0 };
    const flat = config({ retention }, "1.9.14");
    assert.deepEqual([flat.keep_within, flat.keep_daily, flat.keep_weekly], ["2d", 7, 0]);
    assert.equal(flat.archive_name_format, "{hostname}-web-{now:%Y-%m-%dT%H:%M:%S}");
    assert.equal(flat.prefix, undefined);
    const sections = config({ retention }, "1.7.7");
    assert.equal(sections.retention?.prefix, "{hostname}-web-");
    assert.equal(sections.consistency?.prefix, "{hostname}-web-");
  });

  it("Files of borgmatic's own lie in the folder of the job, not in the home", () => {
    assert.equal(config({}, "1.7.7").location?.borgmatic_source_directory, "/var/lib/pulumi-borgbase/web");
    assert.equal(config({}, "1.8.3").borgmatic_source_directory, "/var/lib/pulumi-borgbase/web");
    assert.equal(config({}, "1.9.14").user_state_directory, "/var/lib/pulumi-borgbase/web");
    assert.equal(config({}).borg_base_directory, "/var/lib/pulumi-borgbase/web");
  });

  it("A job waits ten minutes for another one of its repository, unless borgmatic's option says otherwise", () => {
    assert.equal(config({}).lock_wait, 600);
    assert.equal(config({ borgmatic: { lock_wait: 5 } }).lock_wait, 5);
  });

  it("Hooks keep their meaning in borgmatic 1 and 2", () => {
    const hooks = { before: ["a"], after: ["b"], onError: ["c"] };
    assert.deepEqual(config({ hooks }, "1.7.7").hooks, { before_backup: ["a"], after_backup: ["b"], on_error: ["c"] });
    const own = { after: "everything", run: ["d"] };
    assert.deepEqual(config({ hooks, borgmatic: { commands: [own] } }, "2.0.0").commands, [
      { before: "action", when: ["create"], run: ["a"] },
      { after: "action", when: ["create"], states: ["finish"], run: ["b"] },
      { after: "error", run: ["c"] },
      own,
    ]);
  });

  it("A text with a variable stays as it is, as borgmatic would put its environment there", () => {
    const variable = (name: string) => `$\{${name}}`;
    const given = { paths: [variable("NAME")], hooks: { before: [`echo ${variable("HOME:-x")} $HOME`] } };
    assert.deepEqual(config(given).source_directories, [`\\${variable("NAME")}`]);
    assert.deepEqual(config(given).before_backup, [`echo \\${variable("HOME:-x")} $HOME`]);
    assert.deepEqual(config({ borgmatic: { color: variable("COLOR") } }).color, variable("COLOR"));
  });

  it("Characters that YAML refuses are written as escapes", () => {
    const [, , , file] = renderPlan(job({ paths: ["/srv/\u0085\u2028😀ü"] }), facts()).files;
    assert.match(file?.content ?? "", /\/srv\/\\u0085\\u2028😀ü/);
  });

  it("An option that the host's borgmatic does not know is refused with its version", () => {
    assert.throws(
      () => renderPlan(job({ borgmatic: { sqlite_databases: [] } }), facts("1.7.7")),
      /borgmatic 1\.7\.7 on the host has no option sqlite_databases/,
    );
    renderPlan(job({ borgmatic: { sqlite_databases: [] } }), facts("1.8.3"));
  });

  it("Checks that are switched off are not run and not left to borgmatic's default", () => {
    assert.deepEqual(config({ checks: [] }).checks, [{ name: "disabled" }]);
    assert.deepEqual(config({}).checks, [{ name: "repository", frequency: "1 month" }]);
    assert.match(renderPlan(job({ checks: [] }), facts()).schedule.files[0]?.content ?? "", /-1 create$/m);
  });
});
