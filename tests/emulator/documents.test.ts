import assert from "node:assert/strict";
import { buildClientSchema, getIntrospectionQuery, isScalarType, specifiedScalarTypes } from "graphql";
import { KEY_LINE, Subject } from "./support";

/** Ids that a document may use: an existing key and an existing repository. */
interface Ids {
  key: string;
  repo: string;
}

type Document = [client: string, what: string, query: string, variables?: (ids: Ids) => object];

const APP = "a desktop backup app of 2026";
const SERVER = "marcpope/borgbackupserver";
const SCRIPT = "an operations script of 2026";

/** Documents of clients outside clients.test.ts, which follows whole conversations. Only names and types are kept. */
const DOCUMENTS: Document[] = [
  [
    SERVER,
    "its first overview",
    `{ me { username activePlan { id name maxRepos maxSizeGb includedGb } } sshList { id name hashSha256 }
       repoList { id name region repoPath quota quotaEnabled currentUsage lastModified borgVersion format fullAccessKeys
         server { hostname } } }`,
  ],
  [
    SERVER,
    "a repository of borg 1.4",
    `mutation ($name: String!, $region: String!, $borgVersion: String, $quota: Int, $quotaEnabled: Boolean,
       $fullAccessKeys: [String]) { repoAdd(name: $name, region: $region, borgVersion: $borgVersion, quota: $quota,
       quotaEnabled: $quotaEnabled, fullAccessKeys: $fullAccessKeys) {
       repoAdded { id name region repoPath quota quotaEnabled currentUsage server { hostname } } } }`,
    ({ key }) => ({
      name: "client",
      region: "us",
      borgVersion: "V_1_4_X",
      quota: 5000,
      quotaEnabled: true,
      fullAccessKeys: [key],
    }),
  ],
  [
    SERVER,
    "an edit of key lists",
    "mutation ($id: String!, $keys: [String]) { repoEdit(id: $id, fullAccessKeys: $keys) { repoEdited { id } } }",
    ({ key, repo }) => ({ id: repo, keys: [key] }),
  ],
  [SERVER, "a deletion", "mutation ($id: String!) { repoDelete(id: $id) { ok } }", ({ repo }) => ({ id: repo })],
  [
    APP,
    "its list of repositories",
    `{ repoList { id name repoPath currentUsage quota quotaEnabled encryption lastModified createdAt alertDays
       compactionEnabled compactionInterval compactionIntervalUnit compactionHour compactionHourTimezone fullAccessKeys
       appendOnlyKeys rsyncKeys server { region } } }`,
  ],
  [APP, "its list of keys", "{ sshList { id name keyType bits hashMd5 addedAt } }"],
  [
    APP,
    "a key",
    "mutation sshAdd($name: String!, $keyData: String!) { sshAdd(name: $name, keyData: $keyData) { keyAdded { id hashMd5 } } }",
    () => ({ name: "laptop", keyData: KEY_LINE }),
  ],
  [
    APP,
    "a new repository with non-null variables",
    `mutation repoAdd($name: String!, $quotaEnabled: Boolean!, $fullAccessKeys: [String]!, $region: String!) {
       repoAdd(name: $name, quotaEnabled: $quotaEnabled, fullAccessKeys: $fullAccessKeys, region: $region) {
       repoAdded { id name repoPath } } }`,
    ({ key }) => ({ name: "laptop", quotaEnabled: false, fullAccessKeys: [key], region: "eu" }),
  ],
  [
    APP,
    "an edit without returned fields",
    `mutation repoEdit($id: String!, $alertDays: Int, $compactionEnabled: Boolean, $rsyncKeys: [String]) {
       repoEdit(id: $id, alertDays: $alertDays, compactionEnabled: $compactionEnabled, rsyncKeys: $rsyncKeys) { __typename } }`,
    ({ key, repo }) => ({ id: repo, alertDays: 3, compactionEnabled: true, rsyncKeys: [key] }),
  ],
  [
    APP,
    "a compaction",
    "mutation repoCompact($id: String!) { repoCompact(id: $id) { __typename } }",
    ({ repo }) => ({ id: repo }),
  ],
  [
    APP,
    "the deletion of a repository",
    "mutation repoDelete($id: String!) { repoDelete(id: $id) { __typename } }",
    ({ repo }) => ({ id: repo }),
  ],
  [
    APP,
    "the deletion of a key",
    "mutation sshDelete($id: String!) { sshDelete(id: $id) { __typename } }",
    ({ key }) => ({ id: key }),
  ],
  [
    SCRIPT,
    "a status",
    `query { me { username diskUsage repoCount sshKeyCount activePlan { name includedGb billingPeriodUsd billingExtraGb } }
       repoList { id name quota quotaEnabled currentUsage format encryption appendOnly accessMode createdAt
         fullAccessKeyList { id name } appendOnlyKeyList { id name } } sshList { id name } }`,
  ],
  ["kiwix/borg-backup", "repository names", "{ repoList { id name } }"],
  ["kiwix/borg-backup", "repository hosts", "{ repoList { id name server { hostname } } }"],
  ["adhawkins/ansible-borgbase", "its login status", "query isAuthenticated { isAuthenticated }"],
  [
    "adhawkins/ansible-borgbase",
    "the deletion of a key in its form of 2020",
    "mutation sshDelete($id: Int!) { sshDelete(id: $id) { ok } }",
    ({ key }) => ({ id: Number(key) }),
  ],
  [
    "clevyr/borgbase-operator",
    "a repository by its name",
    `query repoList($name: String) { repoList(name: $name) { id name region format repoPath quota quotaEnabled alertDays
       appendOnly currentUsage htpasswd vgerToken server { hostname region } } }`,
    () => ({ name: "client" }),
  ],
  [
    "a program in Rust",
    "fields without commas or names",
    "query RepoGet { repoList { id name lastModified alertDays } }",
  ],
  [
    "a shell script that builds its arguments",
    "a new repository with literals",
    'mutation { repoAdd(name:"host", quotaEnabled: false, alertDays: 0, region: "eu", borgVersion: "V_1_2_X") { repoAdded{id} } }',
  ],
];

describe("Emulator: documents of known clients", () => {
  let subject: Subject;
  let ids: Ids;
  before(async () => {
    subject = await Subject.start();
  });
  beforeEach(async () => {
    await subject.control.reset();
    const key = await subject.addKey();
    ids = { key, repo: await subject.addRepo({ name: "client", fullAccessKeys: [key] }) };
  });
  after(() => subject.close());

  for (const [client, what, query, variables] of DOCUMENTS) {
    it(`The emulator answers a request of ${client} for ${what}`, async () => {
      const answer = await subject.ask(query, { variables: variables?.(ids) });
      assert.deepEqual([answer.status, answer.errors], [200, []]);
      for (const value of Object.values(answer.data)) assert.notEqual(value, null);
    });
  }

  it("A plan has an id, and has limits when the account has limits", async () => {
    const plan = async () =>
      (await subject.ask("{ me { activePlan { id name maxRepos maxSizeGb includedGb } } }")).data.me.activePlan;
    assert.deepEqual(await plan(), { id: "1", name: "Emulator", maxRepos: null, maxSizeGb: null, includedGb: 1000 });
    subject.control.setVariants({ repoLimit: 7 });
    assert.equal((await plan()).maxRepos, 7);
  });

  for (const sshDeleteId of ["both", "string", "int"] as const) {
    it(`The introspection lists standard scalars only with sshDeleteId=${sshDeleteId}`, async () => {
      subject.control.setVariants({ sshDeleteId });
      const { data } = await subject.ask(getIntrospectionQuery(), { token: null });
      const schema = buildClientSchema(data);
      const scalars = Object.values(schema.getTypeMap()).filter(isScalarType);
      const standard = new Set(specifiedScalarTypes.map(({ name }) => name));
      assert.deepEqual(
        scalars.map(({ name }) => name).filter((name) => !standard.has(name)),
        [],
      );
      const type = schema.getMutationType()?.getFields().sshDelete?.args[0]?.type;
      assert.equal(String(type), sshDeleteId === "int" ? "Int!" : "String!");
    });
  }
});
