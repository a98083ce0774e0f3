import assert from "node:assert/strict";
import { KEY_BODY, KEY_LINE, Subject } from "./support";

/** Requests of known clients, field for field and type for type, and the answers that the clients rely on. */
describe("Emulator: known clients", () => {
  let subject: Subject;
  beforeEach(async () => {
    subject = await Subject.start();
  });
  afterEach(() => subject.close());

  it("borgbase/borgbase-api-client logs in, adds a key and a repository within the session, and edits the repository", async () => {
    const [{ email, password }] = subject.emulator.accounts;
    const login = `mutation login($email: String!, $password: String!, $otp: String) {
      login(username: $email, password: $password, otp: $otp) { user { id } } }`;
    const session = await subject.ask(login, { token: null, variables: { email, password } });
    assert.match(session.data.login.user.id, /^\d+$/);
    const headers = { Cookie: session.headers.get("set-cookie")?.split(";")[0] ?? "" };
    const ask = (query: string, variables?: object) => subject.ask(query, { token: null, headers, variables });

    const key = await ask(
      `mutation sshAdd($name: String!, $keyData: String!) {
        sshAdd(name: $name, keyData: $keyData) { keyAdded { id name hashMd5 keyType bits } } }`,
      { name: "Key for VM-004", keyData: KEY_LINE },
    );
    const keyId = key.data.sshAdd.keyAdded.id;
    const settings = `quota: $quota quotaEnabled: $quotaEnabled appendOnlyKeys: $appendOnlyKeys
      fullAccessKeys: $fullAccessKeys alertDays: $alertDays borgVersion: $borgVersion region: $region`;
    const types = `$quota: Int, $quotaEnabled: Boolean, $appendOnlyKeys: [String], $fullAccessKeys: [String],
      $alertDays: Int, $borgVersion: String`;
    const added = await ask(
      `mutation repoAdd($name: String, $region: String, ${types}) {
        repoAdd(name: $name ${settings}) { repoAdded { id name region repoPath } } }`,
      { name: "VM-004-test", quotaEnabled: false, appendOnlyKeys: [keyId], region: "us" },
    );
    const repo = added.data.repoAdd.repoAdded;
    assert.match(repo.id, /^[a-z0-9]{8}$/);
    assert.match(repo.repoPath, new RegExp(`^ssh://${repo.id}@.*/\\./repo$`));

    const edited = await ask(
      `mutation repoEdit($id: String!, $name: String, $region: String, ${types}) {
        repoEdit(id: $id name: $name ${settings}) { repoEdited { id name region repoPath } } }`,
      { id: repo.id, name: "VM-004", region: "us" },
    );
    assert.equal(edited.data.repoEdit.repoEdited.name, "VM-004");

    const details = await ask("query repoList { repoList { id name quota quotaEnabled lastModified currentUsage } }");
    assert.deepEqual(details.data.repoList, [
      { id: repo.id, name: "VM-004", quota: 0, quotaEnabled: false, lastModified: "", currentUsage: 0 },
    ]);
    assert.equal((await ask("{ isAuthenticated }")).data.isAuthenticated, true);
  });

  it("adhawkins/ansible-borgbase sends key ids as numbers, a quota as text and sshDelete with Int!", async () => {
    const added = await subject.ask(
      "mutation sshAdd($name: String!, $keyData: String!) { sshAdd(name: $name keyData: $keyData) { keyAdded { id } } }",
      { variables: { name: "root@host", keyData: KEY_LINE } },
    );
    const id = Number(added.data.sshAdd.keyAdded.id);
    const list = await subject.ask("query data { sshList { id name keyData } }");
    assert.deepEqual(list.data.sshList, [{ id: String(id), name: "root@host", keyData: `ssh-ed25519 ${KEY_BODY}` }]);

    const repo = await subject.ask(
      `mutation repoAdd($name: String!, $quota: Int, $quotaEnabled: Boolean, $appendOnlyKeys: [String],
        $fullAccessKeys: [String], $alertDays: Int, $region: String!, $borgVersion: String) {
        repoAdd(name: $name quota: $quota quotaEnabled: $quotaEnabled appendOnlyKeys: $appendOnlyKeys
          fullAccessKeys: $fullAccessKeys alertDays: $alertDays region: $region borgVersion: $borgVersion) {
          repoAdded { id name } } }`,
      {
        variables: {
          name: "host",
          quota: "0",
          quotaEnabled: false,
          appendOnly: false,
          appendOnlyKeys: [],
          fullAccessKeys: [id],
          alertDays: 1,
          region: "eu",
          borgVersion: "LATEST",
        },
      },
    );
    assert.deepEqual(repo.errors, []);
    const repos = await subject.ask(`query repoList { repoList {
      id name quota quotaEnabled alertDays region borgVersion appendOnly appendOnlyKeys fullAccessKeys } }`);
    const [found] = repos.data.repoList;
    assert.deepEqual([found.quota, found.alertDays, found.appendOnlyKeys, found.fullAccessKeys], [0, 1, [], [`${id}`]]);

    const deletion = "mutation sshDelete($id: Int!) { sshDelete(id: $id) { ok } }";
    assert.deepEqual((await subject.ask(deletion, { variables: { id } })).data, { sshDelete: { ok: true } });
  });

  it("gjabell/terraform-provider-borgbase sends variables as JSON text and gets the values of its acceptance tests", async () => {
    const ask = (query: string, variables: object) => subject.ask(query, { variables: JSON.stringify(variables) });
    const keyFields = "addedAt bits hashMd5 hashSha256 id lastUsedAt name keyData keyType comment";
    const key = await ask(
      `mutation sshAdd($name: String, $keyData: String) { sshAdd(name: $name, keyData: $keyData) { keyAdded { ${keyFields} } } }`,
      { name: "terraform_test", keyData: KEY_LINE },
    );
    const { id, addedAt, ...facts } = key.data.sshAdd.keyAdded;
    assert.match(id, /^\d+$/);
    assert.match(addedAt, RFC3339);
    assert.deepEqual(facts, {
      bits: 256,
      hashMd5: "55:62:b1:68:e7:d9:2f:66:ff:29:b6:fb:41:b6:39:a9",
      hashSha256: "pZlnOMnSYab3A2b1GDfSXBHR1wKEp8RflbcGXsC6la8",
      lastUsedAt: "",
      name: "terraform_test",
      keyData: `ssh-ed25519 ${KEY_BODY}`,
      keyType: "ssh-ed25519",
      comment: "terraform@localhost",
    });

    const repoFields = `id name server { id hostname region public location fingerprintRsa fingerprintEcdsa
      fingerprintEd25519 } quota quotaEnabled alertDays region format borgVersion resticVersion htpasswd appendOnly
      appendOnlyKeys fullAccessKeys rsyncKeys sftpEnabled encryption createdAt lastModified compactionEnabled
      compactionInterval compactionIntervalUnit compactionHour compactionHourTimezone repoPath currentUsage`;
    const added = await ask(
      `mutation repoAdd($name: String!, $region: String!, $alertDays: Int, $quota: Int, $appendOnly: Boolean,
        $sftpEnabled: Boolean, $quotaEnabled: Boolean) { repoAdd(name: $name, region: $region, alertDays: $alertDays,
        quota: $quota, appendOnly: $appendOnly, sftpEnabled: $sftpEnabled, quotaEnabled: $quotaEnabled) {
        repoAdded { ${repoFields} } } }`,
      {
        name: "terraform_test",
        region: "eu",
        alertDays: 0,
        quota: 0,
        appendOnly: false,
        sftpEnabled: false,
        quotaEnabled: false,
      },
    );
    const { id: repoId, server, repoPath, createdAt, ...fresh } = added.data.repoAdd.repoAdded;
    assert.deepEqual(fresh, {
      name: "terraform_test",
      quota: 0,
      quotaEnabled: false,
      alertDays: 0,
      region: "eu",
      format: "borg1",
      borgVersion: "LATEST",
      resticVersion: "",
      htpasswd: "",
      appendOnly: false,
      appendOnlyKeys: [],
      fullAccessKeys: [],
      rsyncKeys: [],
      sftpEnabled: false,
      encryption: "none",
      lastModified: "",
      compactionEnabled: false,
      compactionInterval: 6,
      compactionIntervalUnit: "weeks",
      compactionHour: 14,
      compactionHourTimezone: "UTC",
      currentUsage: 0,
    });
    assert.match(createdAt, RFC3339);
    assert.match(repoPath, /^ssh:\/\/.*@.*\/\.\/repo$/);
    for (const [name, value] of Object.entries(server)) assert.ok(value, `server.${name} is set`);

    const edited = await ask(
      `mutation repoEdit($id: String!, $name: String, $fullAccessKeys: [String], $rsyncKeys: [String],
        $compactionEnabled: Boolean, $compactionHour: Int, $compactionHourTimezone: String, $compactionInterval: Int,
        $compactionIntervalUnit: String) { repoEdit(id: $id, name: $name, fullAccessKeys: $fullAccessKeys,
        rsyncKeys: $rsyncKeys, compactionEnabled: $compactionEnabled, compactionHour: $compactionHour,
        compactionHourTimezone: $compactionHourTimezone, compactionInterval: $compactionInterval,
        compactionIntervalUnit: $compactionIntervalUnit) { repoEdited { ${repoFields} } } }`,
      {
        id: repoId,
        name: "terraform_test_new",
        fullAccessKeys: [id],
        rsyncKeys: [id],
        compactionEnabled: true,
        compactionHour: 14,
        compactionHourTimezone: "Europe/Berlin",
        compactionInterval: 6,
        compactionIntervalUnit: "weeks",
      },
    );
    const after = edited.data.repoEdit.repoEdited;
    assert.deepEqual([after.name, after.fullAccessKeys, after.rsyncKeys], ["terraform_test_new", [id], [id]]);
    assert.deepEqual([after.compactionEnabled, after.compactionHourTimezone], [true, "Europe/Berlin"]);
    assert.equal(after.createdAt, createdAt);

    const listed = await ask(`query repoList($name: String) { repoList(name: $name) { ${repoFields} } }`, {
      name: "terraform_test_new",
    });
    assert.equal(listed.data.repoList[0].id, repoId);
    const keys = await ask(`query sshList($name: String) { sshList(name: $name) { ${keyFields} } }`, {
      name: "terraform",
    });
    assert.equal(keys.data.sshList[0].id, id);
    const gone = await ask("mutation repoDelete($id: String!) { repoDelete(id: $id) { ok } }", { id: repoId });
    assert.equal(gone.data.repoDelete.ok, true);
    const keyGone = await ask("mutation sshDelete($id: String!) { sshDelete(id: $id) { ok } }", { id });
    assert.equal(keyGone.data.sshDelete.ok, true);
  });

  it("clevyr/borgbase-operator gets a restic repository with its password, and the errors that it reads as 'not found'", async () => {
    const fields = `id name region format repoPath quota quotaEnabled alertDays appendOnly currentUsage htpasswd
      server { hostname region }`;
    const added = await subject.ask(
      `mutation repoAdd($name: String! $region: String! $format: String $quota: Int $quotaEnabled: Boolean
        $alertDays: Int $appendOnly: Boolean) { repoAdd(name: $name region: $region format: $format quota: $quota
        quotaEnabled: $quotaEnabled alertDays: $alertDays appendOnly: $appendOnly) { repoAdded {${fields}} } }`,
      { variables: { name: "app", region: "us", format: "restic", quota: 100, quotaEnabled: true, appendOnly: true } },
    );
    const repo = added.data.repoAdd.repoAdded;
    assert.deepEqual([repo.format, repo.quota, repo.quotaEnabled, repo.appendOnly], ["restic", 100, true, true]);
    assert.ok(repo.htpasswd.length >= 16);
    const query = `query repo($id: String!) { repo(repoId: $id) {${fields}} }`;
    assert.deepEqual((await subject.ask(query, { variables: { id: repo.id } })).data.repo, repo);

    // The three error texts that its client reads as a repository that does not exist.
    const notFound = /repo(sitory)?\b[^.;]*(not found|does not exist)/i;
    for (const [what, missing] of [
      ["query", await subject.ask(query, { variables: { id: "missing0" } })],
      ["edit", await subject.ask('mutation { repoEdit(id: "missing0", alertDays: 3) { repoEdited { id } } }')],
      ["delete", await subject.ask('mutation { repoDelete(id: "missing0") { ok } }')],
    ] as const) {
      assert.equal(missing.status, 200, what);
      assert.match(missing.errors.join(), notFound, what);
    }
  });

  it("ticgal/borgbase sends literals in the query and no variables", async () => {
    const id = await subject.addRepo({ name: "PC-1" });
    const fields = `id,name,alertDays,borgVersion,region,encryption,createdAt,lastModified,compactionEnabled,
      compactionInterval,compactionIntervalUnit,compactionHour,compactionHourTimezone,repoPath,currentUsage`;
    assert.equal((await subject.ask(`{ repo(repoId:"${id}") {${fields}}}`)).data.repo.name, "PC-1");
    assert.equal((await subject.ask(`{ repoList(name:"PC-1") {${fields}}}`)).data.repoList.length, 1);
    const { overageList } = (await subject.ask("{ overageList {usedGb,date,plan{includedSize}}}")).data;
    assert.equal(overageList[0].usedGb, 0);
    assert.match(overageList[0].date, /^\d{4}-\d\d-\d\d$/);
    assert.equal(typeof overageList[0].plan.includedSize, "number");
  });

  it("Scripts and apps send 'bearer' in lower case and read the account, key objects and compaction", async () => {
    const keyId = await subject.addKey("laptop");
    const id = await subject.addRepo({ fullAccessKeys: [keyId] });
    subject.control.setContent(id, { currentUsage: 2048, lastModified: null });
    const answer = await subject.ask(
      `query { me { username diskUsage repoCount sshKeyCount activePlan { name includedGb billingPeriodUsd billingExtraGb } }
        repoList { id accessMode fullAccessKeyList { id name } appendOnlyKeyList { id name } } sshList { id name } }`,
      { token: null, headers: { Authorization: `bearer ${subject.token("fullAccess")}` } },
    );
    const { me, repoList, sshList } = answer.data;
    assert.deepEqual([me.username, me.diskUsage, me.repoCount, me.sshKeyCount], ["demo@example.com", 2048, 1, 1]);
    assert.equal(typeof me.activePlan.includedGb, "number");
    assert.deepEqual(repoList[0].fullAccessKeyList, [{ id: keyId, name: "laptop" }]);
    assert.deepEqual(repoList[0].appendOnlyKeyList, []);
    assert.deepEqual(sshList, [{ id: keyId, name: "laptop" }]);
    const compact = "mutation repoCompact($id: String!) { repoCompact(id: $id) { __typename } }";
    assert.equal((await subject.ask(compact, { variables: { id } })).data.repoCompact.__typename, "RepoCompact");
  });

  it("borgbase/docs.borgbase.com calls sshDelete with a number in the query", async () => {
    const id = await subject.addKey();
    assert.deepEqual((await subject.ask(`mutation { sshDelete(id: ${id}) {ok}}`)).data, { sshDelete: { ok: true } });
    assert.deepEqual((await subject.ask("{ sshList {id, name}}")).data, { sshList: [] });
  });
});

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/;
