import { strict as assert } from "node:assert";
import { program } from "./support/program";

const MOCKS = `
const resources = {};
pulumi.runtime.setMocks({
  newResource({ type, name, inputs }) {
    const kind = type.split(":")[2];
    if (type.startsWith("borgbase:index:")) resources[kind] = inputs;
    const made = { repoPath: "ssh://a@b/./repo", server: { fingerprintRsa: "SHA256:x" }, publicKey: "ssh-ed25519 A", privateKey: "P" };
    return { id: kind + "-id", state: { ...inputs, ...made } };
  },
  call: () => ({}),
}, "project", "stack");
const machine = (args) => new borgbase.MachineBackup("web", {
  connection: "local", paths: ["/etc"], region: "eu", passphrase: "p", ...args });
const settled = () => pulumi.runtime.disconnect();
`;

interface Inputs {
  [argument: string]: unknown;
}

function declared(args: string): Record<string, Inputs> {
  return program(`(async () => { machine(${args}); await settled(); answer(resources); })();`, {
    mocks: MOCKS,
  }) as Record<string, Inputs>;
}

describe("MachineBackup", () => {
  it("A machine may add archives and delete none, on a server of borg 1", () => {
    const { Repo, BackupJob, KeyPair } = declared('{ adminKeys: ["7"], keepers: { rotated: "2" } }');
    assert.deepEqual(Repo?.appendOnlyKeys, ["SshKey-id"]);
    assert.deepEqual(Repo?.fullAccessKeys, ["7"]);
    assert.equal(Repo?.borgVersion, "V_1_4_X");
    assert.equal(Repo?.alertDays, 2);
    assert.equal(BackupJob?.repository, "ssh://a@b/./repo");
    assert.equal(BackupJob?.retention, undefined);
    assert.deepEqual(KeyPair?.keepers, { rotated: "2" });
  });

  it("A machine with full access may prune, beside the admins", () => {
    const { Repo, BackupJob } = declared('{ access: "full", adminKeys: ["7"], job: { retention: { daily: 7 } } }');
    assert.deepEqual([Repo?.appendOnlyKeys, Repo?.fullAccessKeys], [[], ["SshKey-id", "7"]]);
    assert.deepEqual(BackupJob?.retention, { daily: 7 });
  });

  it("Retention is refused for a key that may only add archives", () => {
    const { message } = program(
      "(async () => { try { machine({ job: { retention: { daily: 7 } } }); } catch ({ message }) { answer({ message }); } })();",
      { mocks: MOCKS },
    );
    assert.match(
      String(message),
      /^MachineBackup web: retention needs a key that may delete, and access is "append-only"/,
    );
  });
});
