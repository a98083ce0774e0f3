import type { EmulatorClient } from "./emulatorClient";

/** A compared program. It declares as many resources as the environment variable BENCH_SIZE demands. */
export interface Subject {
  id: SubjectId;
  title: string;
  /** `index.js` of its Pulumi project. */
  program: string;
  /** Outputs that a baseline's provider returns beside the arguments. */
  outputs?: Record<string, unknown>;
  env: Record<string, string>;
  emulator?: EmulatorClient;
}

/**
 * The compared subjects. Both baselines have providers that do nothing: `dynamicBaseline` is the usual
 * `pulumi.dynamic.Resource`, `noopBaseline` the cheapest possible resource.
 */
export const SUBJECT_IDS = ["dynamicBaseline", "noopBaseline", "borgbase0ms", "borgbase50ms"] as const;
/**
 * Further subjects, at the largest size only. `stateOnlyBaseline` is `noopBaseline` with the arguments and outputs of a
 * repository: the cost of the state alone. `borgbase50msNoCheckpoints` is for the advice.
 */
export type SubjectId = (typeof SUBJECT_IDS)[number] | "stateOnlyBaseline" | "borgbase50msNoCheckpoints";

export const TITLES: Record<SubjectId, string> = {
  dynamicBaseline: "dynamic baseline",
  noopBaseline: "no-op baseline",
  borgbase0ms: "borgbase, 0 ms",
  borgbase50ms: "borgbase, 50 ms",
  stateOnlyBaseline: "state-only baseline",
  borgbase50msNoCheckpoints: "borgbase, 50 ms, no checkpoints",
};

/** Number of key pairs and of registered keys, beside N repositories. */
export const KEYS = 10;
export const REPOSITORY = "borgbase:index:Repo";

/** Number of resources in a program of size `size`, the same for every subject. */
export const resourcesIn = (size: number) => size + 2 * KEYS;

/**
 * The provider of the baselines. It does nothing but return the arguments as outputs, since `change` changes one of them
 * and the engine passes old values as outputs only. For `stateOnlyBaseline` it also returns the outputs in outputs.json.
 */
export const BASELINE_MODULE = `
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

const SIZE = `const size = Number(process.env.BENCH_SIZE);
const alertDays = Number(process.env.BENCH_ALERT_DAYS);`;

const DYNAMIC_BASELINE = `
const pulumi = require("@pulumi/pulumi");
${SIZE}
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

const NOOP_BASELINE = `
const pulumi = require("@pulumi/pulumi");
${SIZE}
const provider = new pulumi.ProviderResource("pulumi-nodejs", "baseline", {});
const __provider = 'exports.handler=()=>require("baseline").host("Baseline")';
for (let i = 0; i < size + ${2 * KEYS}; i++) {
  new pulumi.CustomResource("baseline:index:Baseline", \`baseline-\${i}\`, { alertDays, __provider }, { provider });
}
`;

const REPOSITORY_ARGUMENTS = `region: "eu",
    appendOnlyKeys: [keys[i % ${KEYS}].id],
    fullAccessKeys: [keys[(i + 1) % ${KEYS}].id],
    alertDays,
    compaction: { interval: 1, unit: "weeks", hour: 4, timezone: "Europe/Berlin" },`;

/** Outputs of a repository in {@link BORGBASE}, beside its arguments. */
const OUTPUTS = {
  __account: "demo@example.com",
  __declared: "region,alertDays,appendOnlyKeys,fullAccessKeys,compaction",
  appendOnly: false,
  borgVersion: "LATEST",
  createdAt: "2026-01-01T00:00:00.000000+00:00",
  forceDestroy: false,
  format: "borg1",
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

const STATE_ONLY_BASELINE = `
const pulumi = require("@pulumi/pulumi");
${SIZE}
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

const BORGBASE = `
const borgbase = require("pulumi-borgbase");
${SIZE}
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

/** The compared subjects in the order of {@link SUBJECT_IDS}. */
export function subjects(emulator0ms: EmulatorClient, emulator50ms: EmulatorClient): Subject[] {
  return [
    { id: "dynamicBaseline", title: TITLES.dynamicBaseline, program: DYNAMIC_BASELINE, env: {} },
    { id: "noopBaseline", title: TITLES.noopBaseline, program: NOOP_BASELINE, env: {} },
    borgbase("borgbase0ms", emulator0ms),
    borgbase("borgbase50ms", emulator50ms),
  ];
}

export function stateOnlyBaseline(): Subject {
  const id = "stateOnlyBaseline";
  return { id, title: TITLES[id], program: STATE_ONLY_BASELINE, outputs: OUTPUTS, env: {} };
}

export function withoutCheckpoints(emulator50ms: EmulatorClient): Subject {
  const subject = borgbase("borgbase50msNoCheckpoints", emulator50ms);
  return { ...subject, env: { ...subject.env, PULUMI_SKIP_CHECKPOINTS: "true" } };
}

function borgbase(id: SubjectId, emulator: EmulatorClient): Subject {
  const env = { BORGBASE_ENDPOINT: emulator.endpoint, BORGBASE_TOKEN: emulator.token };
  return { id, title: TITLES[id], program: BORGBASE, env, emulator };
}
