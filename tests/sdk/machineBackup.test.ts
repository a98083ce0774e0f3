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

  for (const [args, reason] of [
    [
      "{ job: { retention: { daily: 7 } } }",
      /^MachineBackup web: retention needs a key that may delete, and access is "append-only"/,
    ],
    ['{ borgVersion: "LATEST" }', /^MachineBackup web: borgVersion "LATEST" may be borg 2, and the machine has borg 1/],
    ['{ borgVersion: "V_2_0_X" }', /^MachineBackup web: borgVersion "V_2_0_X" may be borg 2/],
  ] as const) {
    it(`${args} is refused before anything is declared`, () => {
      const { message } = program(
        `(async () => { try { machine(${args}); } catch ({ message }) { answer({ message }); } })();`,
        { mocks: MOCKS },
      );
      assert.match(String(message), reason);
    });
  }

  it("Another server of borg 1 is taken, and the repository may be deleted with its backups only on request", () => {
    assert.equal(declared("{}").Repo?.forceDestroy, undefined);
    const { Repo } = declared('{ borgVersion: "V_1_2_X", forceDestroy: true }');
    assert.deepEqual([Repo?.borgVersion, Repo?.forceDestroy], ["V_1_2_X", true]);
  });
});
