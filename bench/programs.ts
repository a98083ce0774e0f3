/* The compared programs. Each declares `size` repositories with 10 keys; a change is another number of `alertDays`. */
import { randomBytes } from "node:crypto";

/** Files of a project, by path. */
export type Files = Record<string, string>;

/** Number of key pairs and of registered keys, beside N repositories. */
export const KEYS = 10;
export const PROJECT = "bench";

/** Number of resources in a Pulumi program of size `size`, the same for each. */
export const resourcesIn = (size: number) => size + 2 * KEYS;

/** A Pulumi project in JavaScript. `program` finds the constants `size` and `alertDays`. */
export function javascript(program: string, size: number, alertDays: number, config: object = {}): Files {
  return {
    "package.json": JSON.stringify({ name: "bench-program", private: true, main: "index.js" }),
    "Pulumi.yaml": JSON.stringify({
      name: PROJECT,
      runtime: { name: "nodejs", options: { typescript: false } },
      config,
    }),
    "index.js": `const [size, alertDays] = [${size}, ${alertDays}];\n${program}`,
  };
}

/**
 * The provider of the baselines. It does nothing but return the arguments as outputs, since a change changes one of them
 * and the engine passes old values as outputs only.
 */
export function baselineModule({ withOutputs = false } = {}): Files {
  return {
    "node_modules/baseline/index.js": BASELINE_MODULE,
    "node_modules/baseline/outputs.json": JSON.stringify(withOutputs ? OUTPUTS : {}),
  };
}

const BASELINE_MODULE = `
const { randomUUID } = require("node:crypto");
const outputs = require("./outputs.json");
const provider = {
  configure: async () => {},
  check: async (olds, news) => ({ inputs: news, failures: [] }),
  diff: async (id, olds, news) => ({ changes: olds.alertDays !== news.alertDays }),
  create: async (inputs) => ({ id: randomUUID(), outs: { ...outputs, ...inputs } }),
  read: async (id, props) => ({ id, props }),
  update: async (id, olds, news) => ({ outs: { ...outputs, ...news } }),
  delete: async () => {},
};
module.exports = { ...provider, host: () => provider };
`;

/** The usual `pulumi.dynamic.Resource`. */
export const DYNAMIC_BASELINE = `
const pulumi = require("@pulumi/pulumi");
const provider = {
  async configure(request) { return require("baseline").configure(request); },
  async check(olds, news) { return require("baseline").check(olds, news); },
  async diff(id, olds, news) { return require("baseline").diff(id, olds, news); },
  async create(inputs) { return require("baseline").create(inputs); },
  async read(id, props) { return require("baseline").read(id, props); },
  async update(id, olds, news) { return require("baseline").update(id, olds, news); },
  async delete(id, props) { return require("baseline").delete(id, props); },
};
for (let i = 0; i < size + ${2 * KEYS}; i++) {
  new pulumi.dynamic.Resource(provider, \`baseline-\${i}\`, { alertDays });
}
`;

/** The cheapest possible resource. */
export const NOOP_BASELINE = `
const pulumi = require("@pulumi/pulumi");
const provider = new pulumi.ProviderResource("pulumi-nodejs", "baseline", {});
const __provider = 'exports.handler=()=>require("baseline").host("Baseline")';
for (let i = 0; i < size + ${2 * KEYS}; i++) {
  new pulumi.CustomResource("baseline:index:Baseline", \`baseline-\${i}\`, { alertDays, __provider }, { provider });
}
`;

const COMPACTION = { interval: 1, unit: "weeks", hour: 4, timezone: "Europe/Berlin" };
const REPOSITORY_ARGUMENTS = `region: "eu",
    appendOnlyKeys: [keys[i % ${KEYS}].id],
    fullAccessKeys: [keys[(i + 1) % ${KEYS}].id],
    alertDays,
    compaction: ${JSON.stringify(COMPACTION)},`;

/** Outputs of a repository in {@link REPOSITORIES}, beside its arguments. */
const OUTPUTS = {
  __account: "demo@example.com",
  __declared: "region,alertDays,appendOnlyKeys,fullAccessKeys,compaction",
  appendOnly: false,
  borgVersion: "LATEST",
  createdAt: "2026-01-01T00:00:00.000000+00:00",
  forceDestroy: false,
  format: "borg1",
  keepOnDelete: false,
  name: "repo-100",
  quota: 0,
  repoPath: "ssh://abcd1234@127.0.0.1:8622/./repo",
  rsyncKeys: [],
  server: {
    fingerprintEcdsa: "SHA256:aUoS/KKc9Ro8GmrikXKA9oRyfxbGEJMiN/k6ZdjecvY",
    fingerprintEd25519: "SHA256:tLv2vp4LUPMgKFAZzxxXS4oPdlGr0MLBIEkGbmMOIvs",
    fingerprintRsa: "SHA256:eqMa7fEur+z1zcwFl03SdMSNXUu0mWbyhc33HzgWyYE",
    hostname: "box-eu00.borgbase.invalid",
    location: "Europe",
    region: "eu",
  },
  sftpEnabled: false,
};

/** {@link NOOP_BASELINE} with the arguments and outputs of a repository. */
export const SAME_OUTPUTS = `
const pulumi = require("@pulumi/pulumi");
const provider = new pulumi.ProviderResource("pulumi-nodejs", "baseline", {});
const __provider = 'exports.handler=()=>require("baseline").host("Repo")';
const additionalSecretOutputs = ["resticUrl", "htpasswd"];
const outputs = Object.fromEntries(${JSON.stringify([...Object.keys(OUTPUTS), "resticUrl", "htpasswd"])}.map((name) => [name, undefined]));
const resource = (name, args) => new pulumi.CustomResource("baseline:index:Repo", name, args, { provider, additionalSecretOutputs });
const keys = Array.from({ length: ${2 * KEYS} }, (_, i) => resource(\`key-\${i}\`, { alertDays, __provider }));
for (let i = 0; i < size; i++) {
  resource(\`repo-\${i}\`, {
    ...outputs,
    ${REPOSITORY_ARGUMENTS}
    __origin: \`bench/repo-\${i}\`,
    __provider,
  });
}
`;

/** This package. */
export const REPOSITORIES = `
const borgbase = require("pulumi-borgbase");
const keys = Array.from({ length: ${KEYS} }, (_, i) => {
  const pair = new borgbase.KeyPair(\`key-\${i}\`);
  return new borgbase.SshKey(\`key-\${i}\`, { publicKey: pair.publicKey });
});
for (let i = 0; i < size; i++) {
  new borgbase.Repo(\`repo-\${i}\`, {
    ${REPOSITORY_ARGUMENTS}
  });
}
`;

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** The program of {@link REPOSITORIES} in YAML. */
export function yaml(size: number, alertDays: number): Files {
  const keys = numbers(KEYS).flatMap((i) => [
    [`pair-${i}`, { type: "borgbase:KeyPair", name: `key-${i}` }],
    [`key-${i}`, { type: "borgbase:SshKey", name: `key-${i}`, properties: { publicKey: `\${pair-${i}.publicKey}` } }],
  ]);
  const repositories = numbers(size).map((i) => {
    const appendOnlyKeys = [`\${key-${i % KEYS}.id}`];
    const fullAccessKeys = [`\${key-${(i + 1) % KEYS}.id}`];
    const properties = { region: "eu", appendOnlyKeys, fullAccessKeys, alertDays, compaction: COMPACTION };
    return [`repo-${i}`, { type: "borgbase:Repo", properties }];
  });
  const resources = Object.fromEntries([...keys, ...repositories]);
  return { "Pulumi.yaml": JSON.stringify({ name: PROJECT, runtime: "yaml", resources }) };
}

/** The same account for the Terraform provider gjabell/borgbase. It makes no key pairs: the keys are made once, here. */
export function terraform(size: number, alertDays: number): Files {
  const keys = numbers(KEYS).map((i) => [`key-${i}`, { name: `key-${i}`, public_key: publicKeys[i] }]);
  const repositories = numbers(size).map((i) => [
    `repo-${i}`,
    {
      name: `repo-${i}`,
      region: "eu",
      append_only_keys: [`\${borgbase_ssh_key.key-${i % KEYS}.id}`],
      full_access_keys: [`\${borgbase_ssh_key.key-${(i + 1) % KEYS}.id}`],
      rsync_keys: [],
      alert_days: alertDays,
      compaction: { enabled: true, interval: 1, interval_unit: "weeks", hour: 4, hour_timezone: "Europe/Berlin" },
    },
  ]);
  return {
    "main.tf.json": JSON.stringify({
      terraform: { required_providers: { borgbase: { source: "gjabell/borgbase" } } },
      resource: {
        borgbase_ssh_key: Object.fromEntries(keys),
        borgbase_borg_repo: Object.fromEntries(repositories),
      },
    }),
  };
}

const publicKeys = numbers(KEYS).map(() => {
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const body = Buffer.concat([field(Buffer.from("ssh-ed25519")), field(randomBytes(32))]);
  return `ssh-ed25519 ${body.toString("base64")}`;
});
