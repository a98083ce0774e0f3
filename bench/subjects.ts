import type { RemoteEmulator } from "./emulator";

/** What is compared: a program that declares as many resources as the environment says. */
export interface Subject {
  id: SubjectId;
  title: string;
  /** `index.js` of its Pulumi project. */
  program: string;
  /** What a floor's provider keeps beside the arguments. */
  outputs?: Record<string, unknown>;
  env: Record<string, string>;
  emulator?: RemoteEmulator;
}

export const SUBJECT_IDS = ["F1", "F2", "ours", "ours50"] as const;
/**
 * Measured beside them, at the largest size alone. `laden` is F2 that holds what ours holds: what the engine asks for the
 * state alone. `skipping` is ours with 50 ms and without checkpoints, for the advice.
 */
export type SubjectId = (typeof SUBJECT_IDS)[number] | "laden" | "skipping";

export const TITLES: Record<SubjectId, string> = {
  F1: "F1 usual floor",
  F2: "F2 limit",
  ours: "ours, 0 ms",
  ours50: "ours, 50 ms",
  laden: "F2 with our state",
  skipping: "ours, 50 ms, no checkpoints",
};

/** Key pairs, and as many registered keys, beside the N repositories. */
export const KEYS = 10;
export const REPOSITORY = "borgbase:index:Repo";

/** How many resources a program of size `size` declares; the floors declare as many as ours. */
export const resourcesIn = (size: number) => size + 2 * KEYS;

/**
 * What the floors' providers are: nothing. They keep the arguments, as one of them is what `change` changes, and the
 * engine shows a provider no other trace of it than the outputs. `laden` keeps what stands in the file beside it, too.
 */
export const FLOOR_MODULE = `
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

const F1 = `
const pulumi = require("@pulumi/pulumi");
${SIZE}
const provider = {
  async configure(request) { return require("floor").configure(request); },
  async check(olds, news) { return require("floor").check(olds, news); },
  async diff(id, olds, news) { return require("floor").diff(id, olds, news); },
  async create(inputs) { return require("floor").create(inputs); },
  async read(id, props) { return require("floor").read(id, props); },
  async update(id, olds, news) { return require("floor").update(id, olds, news); },
  async delete(id, props) { return require("floor").delete(id, props); },
};
for (let i = 0; i < size + ${2 * KEYS}; i++) {
  new pulumi.dynamic.Resource(provider, \`floor-\${i}\`, { alertDays });
}
`;

const F2 = `
const pulumi = require("@pulumi/pulumi");
${SIZE}
const provider = new pulumi.ProviderResource("pulumi-nodejs", "floor", {});
const __provider = 'exports.handler=()=>require("floor").host("Floor")';
for (let i = 0; i < size + ${2 * KEYS}; i++) {
  new pulumi.CustomResource("floor:index:Floor", \`floor-\${i}\`, { alertDays, __provider }, { provider });
}
`;

const REPOSITORY_ARGUMENTS = `region: "eu",
    appendOnlyKeys: [keys[i % ${KEYS}].id],
    fullAccessKeys: [keys[(i + 1) % ${KEYS}].id],
    alertDays,
    compaction: { interval: 1, unit: "weeks", hour: 4, timezone: "Europe/Berlin" },`;

/** What a repository of {@link OURS} has beside its arguments. */
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

const LADEN = `
const pulumi = require("@pulumi/pulumi");
${SIZE}
const provider = new pulumi.ProviderResource("pulumi-nodejs", "floor", {});
const __provider = 'exports.handler=()=>require("floor").host("Repo")';
const additionalSecretOutputs = ["resticUrl", "htpasswd"];
const outputs = Object.fromEntries(${JSON.stringify([...Object.keys(OUTPUTS), "resticUrl", "htpasswd"])}.map((name) => [name, undefined]));
const floor = (name, args) => new pulumi.CustomResource("floor:index:Repo", name, args, { provider, additionalSecretOutputs });
const keys = Array.from({ length: ${2 * KEYS} }, (_, i) => floor(\`key-\${i}\`, { alertDays, __provider }));
for (let i = 0; i < size; i++) {
  floor(\`repo-\${i}\`, {
    ...outputs,
    ${REPOSITORY_ARGUMENTS}
    __origin: \`bench/repo-\${i}\`,
    __provider,
  });
}
`;

const OURS = `
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

/** The compared ones in the order of {@link SUBJECT_IDS}. */
export function subjects(near: RemoteEmulator, far: RemoteEmulator): Subject[] {
  return [
    { id: "F1", title: TITLES.F1, program: F1, env: {} },
    { id: "F2", title: TITLES.F2, program: F2, env: {} },
    ours("ours", near),
    ours("ours50", far),
  ];
}

export function laden(): Subject {
  return { id: "laden", title: TITLES.laden, program: LADEN, outputs: OUTPUTS, env: {} };
}

export function withoutCheckpoints(far: RemoteEmulator): Subject {
  const subject = ours("skipping", far);
  return { ...subject, env: { ...subject.env, PULUMI_SKIP_CHECKPOINTS: "true" } };
}

function ours(id: SubjectId, emulator: RemoteEmulator): Subject {
  const env = { BORGBASE_ENDPOINT: emulator.endpoint, BORGBASE_TOKEN: emulator.token };
  return { id, title: TITLES[id], program: OURS, env, emulator };
}
