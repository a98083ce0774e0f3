import { strict as assert } from "node:assert";
import { optionProblem, sectionsOf } from "../../provider/machine/plan/options";
import { readMarkdown } from "./markdown";

/** Variables of borgbase/ansible-role-borgbackup 2 (meta/argument_specs.yml, and `create` from its README). */
const VARIABLES: Record<string, string> = {
  borgbackup_install:
    "method venv_path borg_version borgmatic_version require_epel dep_packages pip_packages distro_packages python_bin uv_bin",
  borgbackup_user: "name group create shell sudo",
  borgbackup_ssh: "key_type key_name key_path key_comment command",
  borgbackup_config:
    "name repositories create source_directories one_file_system exclude_patterns exclude_from exclude_caches exclude_if_present " +
    "encryption_passphrase encryption_passcommand remote_path upload_rate_limit compression retries retry_wait lock_wait " +
    "store_atime store_ctime umask relocated_repo_access_is_ok unknown_unencrypted_repo_access_is_ok archive_name_format " +
    "retention checks check_last hooks extra",
  borgbackup_timer: "type name hour minute flags enabled systemd_no_new_privileges",
};

const ROWS = readMarkdown("docs/machines.md")
  .prose.filter((line) => line.startsWith("| `"))
  .map((line) => line.split("|").map((cell) => cell.trim()));

describe("The table of the Ansible role in docs/machines.md", () => {
  it("Every variable of the role has a row, in the order of its groups", () => {
    const found: Record<string, string[]> = {};
    let group = "";
    for (const [, variables = ""] of ROWS) {
      const named = /^`(borgbackup_\w+)\./.exec(variables)?.[1];
      if (named !== undefined) group = named;
      else if (!variables.startsWith("`…")) continue;
      const names = [...variables.matchAll(/`(?:borgbackup_\w+\.|…)?(\w+)`/g)].map(([, name = ""]) => name);
      found[group] = [...(found[group] ?? []), ...names];
    }
    for (const [name, variables] of Object.entries(VARIABLES)) {
      const missing = variables.split(" ").filter((each) => !found[name]?.includes(each));
      assert.deepEqual(missing, [], name);
    }
  });

  it("Every option of borgmatic that the table names is one that a job passes on, to every version", () => {
    const cells = ROWS.map(([, , here = ""]) => here).filter((here) => /^`borgmatic/.test(here));
    const options = cells.flatMap((here) =>
      [...here.matchAll(/(?:\{ |`)([a-z_]+)(?::|`)/g)]
        .map(([, name = ""]) => name)
        .filter((name) => name !== "borgmatic"),
    );
    assert.ok(options.length > 6, options.join());
    for (const option of options) {
      assert.equal(optionProblem(option), undefined, option);
      assert.notDeepEqual(sectionsOf(option), [], option);
    }
  });
});
