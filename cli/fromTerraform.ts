import { text } from "node:stream/consumers";
import { defineCommand, UsageError } from "./command";
import { adoptingProgram } from "./program";
import { withProgress } from "./terminal";

export default defineCommand({
  usage: "terraform show -json | pulumi-borgbase from-terraform > index.ts",
  about: `Prints a Pulumi program that adopts, by id, the SSH keys and repositories in the state of the Terraform provider
gjabell/borgbase. Sends no request to BorgBase and changes nothing.`,
  options: {},
  example: "terraform show -json | pulumi-borgbase from-terraform > index.ts",
  run: async () => {
    if (process.stdin.isTTY) throw new UsageError("pipe in what `terraform show -json` prints");
    const json = await withProgress("Waiting for the state on standard input", () => text(process.stdin));
    process.stdout.write(program(await readState(json)));
    return 0;
  },
});

/** The keys and repositories of that provider in Terraform's JSON output format, modules included. */
async function readState(json: string) {
  const { z } = await import("../provider/zod.js");
  const object = { id: z.string().min(1), name: z.string().min(1) };
  const text = z.string().nullish();
  const number = z.number().nullish();
  const flag = z.boolean().nullish();
  const ids = z.array(z.string()).nullish();
  const key = z.object({ ...object, public_key: z.string() });
  const repo = z.object({
    ...object,
    region: z.string(),
    format: text,
    quota: number,
    quota_enabled: flag,
    alert_days: number,
    append_only_keys: ids,
    full_access_keys: ids,
    rsync_keys: ids,
    append_only: flag,
    sftp_enabled: flag,
    borg_version: text,
    compaction: z
      .object({ enabled: flag, interval: number, interval_unit: text, hour: number, hour_timezone: text })
      .nullish(),
  });
  const resource = z.object({ address: z.string(), mode: z.string(), type: z.string(), values: z.unknown() });
  const module = z.object({
    resources: z.array(resource).optional(),
    get child_modules() {
      return z.array(module).optional();
    },
  });
  const state = z.object({ format_version: z.string(), values: z.object({ root_module: module }).optional() });

  const { data } = state.safeParse(parse(json));
  if (!data) throw new Error("the input is not what `terraform show -json` prints");
  const modules = data.values ? [data.values.root_module] : [];
  for (const each of modules) modules.push(...(each.child_modules ?? []));
  const managed = modules.flatMap(({ resources = [] }) => resources).filter(({ mode }) => mode === "managed");

  const all = <T extends { name: string }>(type: string, schema: { safeParse(value: unknown): { data?: T } }) => {
    const addresses = new Map<string, string>();
    return managed
      .filter((each) => each.type === type)
      .map(({ address, values }) => {
        const { data } = schema.safeParse(values);
        if (!data) throw new Error(`${address} has other attributes than gjabell/borgbase gives it`);
        const duplicate = addresses.get(data.name);
        if (duplicate)
          throw new Error(`${duplicate} and ${address} are both named "${data.name}"${DUPLICATE_NAME_ADVICE}`);
        addresses.set(data.name, address);
        return data;
      });
  };
  return { keys: all("borgbase_ssh_key", key), repos: all("borgbase_borg_repo", repo) };
}

/** That provider refreshes by name, so two objects of one name get the id of the first. */
const DUPLICATE_NAME_ADVICE =
  ", so the ids that Terraform has of them cannot be trusted: `terraform state rm` both and write them by hand, with their ids from BorgBase";

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

type State = Awaited<ReturnType<typeof readState>>;

/** The TypeScript program. Each resource has the name of its object; false, 0 and unset values are defaults. */
function program({ keys, repos }: State): string {
  if (keys.length + repos.length === 0) throw new Error("the state holds no SSH key or repository of BorgBase");
  const given = <T>(value: T, standard?: T) => (value === standard ? undefined : value || undefined);
  const list = (ids: string[] | null | undefined) => (ids?.length ? ids : undefined);
  return adoptingProgram({
    keys: keys.map(({ id, name, public_key }) => ({ id, name, args: { publicKey: public_key } })),
    repos: repos.map(({ id, name, compaction: c, ...repo }) => ({
      id,
      name,
      args: {
        region: repo.region,
        format: given(repo.format, "borg1"),
        quota: repo.quota_enabled ? given(repo.quota) : undefined,
        alertDays: given(repo.alert_days),
        appendOnlyKeys: list(repo.append_only_keys),
        fullAccessKeys: list(repo.full_access_keys),
        rsyncKeys: list(repo.rsync_keys),
        appendOnly: given(repo.append_only),
        sftpEnabled: given(repo.sftp_enabled),
        borgVersion: given(repo.borg_version, "LATEST"),
        compaction: c?.enabled
          ? { interval: c.interval, unit: c.interval_unit?.toLowerCase(), hour: c.hour, timezone: c.hour_timezone }
          : undefined,
      },
    })),
  });
}
