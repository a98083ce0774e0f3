import type { RemoteEmulator } from "./emulator";

/** What is compared: a program that declares as many resources as the environment says. */
export interface Subject {
  id: SubjectId;
  title: string;
  /** `index.js` of its Pulumi project. */
  program: string;
  env: Record<string, string>;
  emulator?: RemoteEmulator;
}

export const SUBJECT_IDS = ["F1", "F2", "ours", "ours50"] as const;
/** `skipping` is ours with 50 ms and without checkpoints: measured beside the others, for the advice alone. */
export type SubjectId = (typeof SUBJECT_IDS)[number] | "skipping";

export const TITLES: Record<SubjectId, string> = {
  F1: "F1 usual floor",
  F2: "F2 limit",
  ours: "ours, 0 ms",
  ours50: "ours, 50 ms",
  skipping: "ours, 50 ms, no checkpoints",
};

/** Key pairs, and as many registered keys, beside the N repositories. */
export const KEYS = 10;
export const REPOSITORY = "borgbase:index:Repo";

/** How many resources a program of size `size` declares; the floors declare as many as ours. */
export const resourcesIn = (size: number) => size + 2 * KEYS;

/**
 * What the floors' providers are: nothing. The one argument that they keep is what `change` changes, and the engine shows
 * a provider no other trace of it than the outputs.
 */
export const FLOOR_MODULE = `
const { randomUUID } = require("node:crypto");
const provider = {
  configure: async () => {},
  check: async (olds, news) => ({ inputs: news, failures: [] }),
  diff: async (id, olds, news) => ({ changes: olds.alertDays !== news.alertDays }),
  create: async (inputs) => ({ id: randomUUID(), outs: { alertDays: inputs.alertDays } }),
  read: async (id, props) => ({ id, props }),
  update: async (id, olds, news) => ({ outs: { alertDays: news.alertDays } }),
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

const OURS = `
const borgbase = require("pulumi-borgbase");
${SIZE}
const keys = Array.from({ length: ${KEYS} }, (_, i) => {
  const pair = new borgbase.KeyPair(\`key-\${i}\`);
  return new borgbase.SshKey(\`key-\${i}\`, { publicKey: pair.publicKey });
});
for (let i = 0; i < size; i++) {
  new borgbase.Repo(\`repo-\${i}\`, {
    region: "eu",
    appendOnlyKeys: [keys[i % ${KEYS}].id],
    fullAccessKeys: [keys[(i + 1) % ${KEYS}].id],
    alertDays,
    compaction: { interval: 1, unit: "weeks", hour: 4, timezone: "Europe/Berlin" },
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

export function withoutCheckpoints(far: RemoteEmulator): Subject {
  const subject = ours("skipping", far);
  return { ...subject, env: { ...subject.env, PULUMI_SKIP_CHECKPOINTS: "true" } };
}

function ours(id: SubjectId, emulator: RemoteEmulator): Subject {
  const env = { BORGBASE_ENDPOINT: emulator.endpoint, BORGBASE_TOKEN: emulator.token };
  return { id, title: TITLES[id], program: OURS, env, emulator };
}
