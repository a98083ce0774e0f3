import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { check, type Properties } from "../../../provider/lifecycle";
import { diff } from "../../../provider/lifecycle/diff";
import { type AnyResource, UNKNOWN } from "../../../provider/lifecycle/resource";
import { rules } from "../../../provider/resources/backupJob/rules";
import { backupJobSchema } from "../../../provider/schema/backupJob";
import { context } from "../support";

const resource = { schema: backupJobSchema, rules, drifts: true } as unknown as AnyResource;

const KEY = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs1", format: "pem" });
const SERVER = {
  hostname: "box1",
  fingerprintEd25519: "SHA256:+2jFUF+tDzlHcZv6DTBY2Lw0ljTBwJTz/HcPAKDiJ3s",
  fingerprintRsa: "SHA256:Rn7mdp8uVoqpYLWvxFZb4gcBHpdPHLCmFfgyq27Gf3U",
};
const HOST = { host: "web.example.net", username: "root", privateKey: KEY, hostKey: SERVER.fingerprintRsa };
const RIGHT = {
  connection: HOST,
  repository: "ssh://ab1@ab1.repo.borgbase.com/./repo",
  repositoryHostKeys: SERVER,
  privateKey: KEY,
  passphrase: "hunter2",
  paths: ["/etc"],
};

async function checked(change: Properties, olds?: Properties) {
  const { inputs, failures } = await check(resource, olds, { ...RIGHT, ...change }, context());
  return { inputs, failures: failures.map(({ property, reason }) => `${property}: ${reason}`) };
}

describe("Check of a BackupJob", () => {
  const ACCEPTED: [what: string, change: Properties][] = [
    ["the least", {}],
    ["this machine", { connection: "local" }],
    ["a login with sudo", { connection: { ...HOST, username: "debian" }, become: "sudo", sudoPassword: "x" }],
    [
      "jump hosts",
      {
        connection: {
          ...HOST,
          proxyJump: { host: "jump", username: "me", agent: true, hostKey: SERVER.fingerprintRsa },
        },
      },
    ],
    ["fingerprints", { repositoryHostKeys: [SERVER.fingerprintRsa] }],
    ["unknown host keys", { repositoryHostKeys: UNKNOWN }],
    ["a local repository without host keys", { repository: "/mnt/repo", repositoryHostKeys: undefined }],
    ["retention", { retention: { within: "2d", daily: 7 } }],
    ["every compression", { compression: "obfuscate,3,auto,zstd,22" }],
    ["days of the week", { schedule: { at: "02:30", days: ["sat", "sun"] } }],
    ["a calendar expression", { schedule: { onCalendar: "Mon *-*-* 02:00" } }],
    ["a cron expression", { schedule: { cron: "5 2 * * *" }, scheduler: "cron" }],
    ["a dump of databases alone", { paths: [], borgmatic: { postgresql_databases: [{ name: "all" }] } }],
    ["options of the unit", { serviceOptions: { ConditionACPower: "true" } }],
  ];
  for (const [what, change] of ACCEPTED) {
    it(`A BackupJob accepts ${what}`, async () => {
      assert.deepEqual((await checked(change)).failures, []);
    });
  }

  it("The server of a Repo, fingerprints and lines become one list", async () => {
    const { inputs } = await checked({});
    assert.deepEqual(inputs.repositoryHostKeys, [SERVER.fingerprintRsa, SERVER.fingerprintEd25519]);
  });

  const REFUSED: [what: string, change: Properties, ...failures: (string | RegExp)[]][] = [
    ["a name with a dot", { name: "web.1" }, /^name: must be lower-case letters/],
    ["a name that a lock has", { name: "lock-root" }, /^name: must be/],
    ["an account with a space", { user: "a b" }, "user: must be the name of an account"],
    [
      "a connection without a way in",
      { connection: { ...HOST, privateKey: undefined } },
      ": connection: has no way in: give privateKey, password, passwordEnv or agent",
    ],
    [
      "an account without rights",
      { connection: { ...HOST, username: "debian" } },
      /^: connection: logs in as debian, and a job needs root: set become: "sudo"$/,
    ],
    [
      "a misspelt part of a connection",
      { connection: { ...HOST, pasword: "x" } },
      ": connection: has no argument pasword",
    ],
    [
      "a connection that is a text",
      { connection: "web1" },
      ': connection: must be "local" or { host, username, hostKey, … }',
    ],
    ["a passphrase of two lines", { passphrase: "a\nb" }, ": passphrase: must be one line"],
    ["an unreadable private key", { privateKey: "x" }, /^: privateKey/],
    [
      "no host keys for ssh",
      { repositoryHostKeys: undefined },
      "repositoryHostKeys: is required for an ssh:// repository: give the server of the Repo, or fingerprints",
    ],
    ["a server without fingerprints", { repositoryHostKeys: { hostname: "box1" } }, /^repositoryHostKeys: is required/],
    ["an MD5 fingerprint", { repositoryHostKeys: "MD5:aa:bb" }, /^repositoryHostKeys: MD5/],
    [
      "a repository in the form of scp",
      { repository: "ab1@ab1.repo.borgbase.com:repo" },
      'repository: is in the form of scp: write "ssh://ab1@ab1.repo.borgbase.com/./repo"',
    ],
    [
      "a repository with a placeholder",
      { repository: "ssh://a@b/{hostname}" },
      /^repository: cannot have placeholders/,
    ],
    ["a repository with a password", { repository: "ssh://a:b@c/./d" }, /^repository: cannot have a password/],
    ["a relative path", { paths: ["etc"] }, 'paths: "etc" must be an absolute path'],
    ["no path", { paths: [] }, "paths: must name at least one path, unless borgmatic dumps databases"],
    ["a file with a folder", { excludeIfPresent: ["a/b"] }, /^excludeIfPresent: "a\/b" must be the name of a file/],
    ["an unknown compression", { compression: "zip" }, /^compression: must be none/],
    ["an archive name without a time", { archiveName: "daily" }, /^archiveName: must have a placeholder of the time/],
    ["an archive name without a fixed text", { archiveName: "{now}" }, /^archiveName: must begin with a fixed text/],
    ["a retention of nothing", { retention: { daily: 0 } }, /^retention: keeps nothing/],
    ["a misspelt retention", { retention: { days: 7 } }, "retention: has no argument days"],
    ["an unknown check", { checks: [{ name: "spot" }] }, /^checks: 0\.name must be "repository"/],
    ["a check twice", { checks: [{ name: "data" }, { name: "data" }] }, 'checks: has "data" twice'],
    ["an hour that no day has", { schedule: { at: "24:00" } }, /^schedule: /],
    ["an invalid cron expression", { schedule: { cron: "60 * * * *" } }, 'schedule: "60" is no minute of cron (0–59)'],
    [
      "a calendar expression for cron",
      { schedule: { onCalendar: "daily" }, scheduler: "cron" },
      /^schedule: onCalendar is for systemd/,
    ],
    ["a ping URL without http", { healthchecks: "1234" }, ": healthchecks: must be an http(s) URL"],
    [
      "an option that an argument covers",
      { borgmatic: { keep_daily: 7 } },
      ": borgmatic: keep_daily is set by the argument retention",
    ],
    ["a section of borgmatic", { borgmatic: { hooks: {} } }, /^: borgmatic: hooks is a section/],
    [
      "a passphrase in borgmatic's options",
      { borgmatic: { encryption_passphrase: "x" } },
      ": borgmatic: encryption_passphrase cannot be given: use the argument passphrase",
    ],
    [
      "an option of the unit that the job sets",
      { serviceOptions: { ExecStart: "/bin/true" } },
      "serviceOptions: ExecStart is set by the job itself",
    ],
    ["an option with a line break", { serviceOptions: { Nice: "1\nUser=x" } }, "serviceOptions: Nice must be one line"],
    ["a mode of a key file", { encryption: "keyfile" }, 'encryption: must be "repokey-blake2" or "repokey"'],
  ];
  for (const [what, change, ...expected] of REFUSED) {
    it(`A BackupJob refuses ${what} before anything changes`, async () => {
      const { failures } = await checked(change);
      assert.equal(failures.length, expected.length, failures.join("\n"));
      for (const [i, failure] of failures.entries()) {
        const pattern = expected[i] as string | RegExp;
        if (typeof pattern === "string") assert.equal(failure, pattern);
        else assert.match(failure, pattern);
        assert.doesNotMatch(failure, /BEGIN RSA|hunter2/);
      }
    });
  }

  it("A resource whose name cannot name files needs a name of its own", async () => {
    const named = (name: string, change: Properties = {}) =>
      check(resource, undefined, { ...RIGHT, ...change }, context({ name }));
    assert.match((await named("Web 1")).failures[0]?.reason ?? "", /is the resource's own, "Web 1"/);
    assert.deepEqual((await named("Web 1", { name: "web-1" })).failures, []);
    assert.deepEqual((await named("Web 1", { name: UNKNOWN })).failures, []);
  });
});

describe("Diff of a BackupJob", () => {
  async function differing(change: Properties, state: Properties = {}) {
    const before = (await checked({})).inputs;
    const all: Properties = { ...before, name: "web", user: "root", __declared: Object.keys(before).join(), ...state };
    const { inputs } = await checked(change, before);
    const { changed, replaces } = await diff(resource, "id", all, inputs, context());
    return changed.map((name) => (replaces.includes(name) ? `!${name}` : name));
  }

  it("The same program changes nothing", async () => {
    assert.deepEqual(await differing({}), []);
  });

  it("Another host, port or login replaces the job; other credentials do not", async () => {
    assert.deepEqual(await differing({ connection: { ...HOST, host: "db.example.net" } }), ["!connection"]);
    assert.deepEqual(await differing({ connection: { ...HOST, port: 2222 } }), ["!connection"]);
    assert.deepEqual(await differing({ connection: { ...HOST, port: 22 } }), ["connection"]);
    assert.deepEqual(await differing({ connection: { ...HOST, privateKey: undefined, agent: true } }), ["connection"]);
    assert.deepEqual(await differing({ connection: "local" }), ["!connection"]);
    assert.deepEqual(await differing({ connection: { ...HOST, privateKey: UNKNOWN } }), ["connection"]);
  });

  it("Another name or account replaces the job", async () => {
    assert.deepEqual(await differing({ name: "db" }), ["!name"]);
    assert.deepEqual(await differing({ user: "app" }), ["!user"]);
  });

  it("A repository is changed in place", async () => {
    assert.deepEqual(await differing({ repository: "ssh://ab2@ab2.repo.borgbase.com/./repo" }), ["repository"]);
  });

  it("An unset argument is managed: a change on the host shows", async () => {
    assert.deepEqual(await differing({}, { compression: "lz4" }), ["compression"]);
    assert.deepEqual(await differing({}, { retention: { daily: 7 } }), ["retention"]);
    assert.deepEqual(await differing({}, { schedule: "none" }), ["schedule"]);
    assert.deepEqual(await differing({}, { borgmatic: { retries: 3 } }), ["borgmatic"]);
  });

  it("The scheduler in use counts as auto", async () => {
    assert.deepEqual(await differing({}, { scheduler: "cron" }), []);
    assert.deepEqual(await differing({ scheduler: "systemd" }, { scheduler: "cron" }), ["scheduler"]);
  });
});
