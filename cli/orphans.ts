import type { Stack } from "@pulumi/pulumi/automation";
import { z } from "zod";
import { connect } from "../provider/api";
import { type Config, type GivenConfig, resolveConfig } from "../provider/config";
import { type PendingCreate, PendingCreates } from "../provider/pendingCreates";
import { HOST_PACKAGE } from "../sdk/pulumiInternals";

/** An object in an account that an interrupted run of the stack added, and that the state does not know. */
export interface Orphan {
  type: string;
  /** The resource's, in the program. */
  name: string;
  /** BorgBase's. */
  id: string;
  /** How it is told: by the id that the run was answered, or else by a name that was not there before. */
  toldBy: "id" | "name";
}

const TYPE = "borgbase:index:";

/**
 * What the journal of this machine holds open of the stack and what is really there, in the accounts that the stack's
 * state and configuration name. Asks BorgBase only where something is open.
 */
export async function orphansOf(stack: Stack): Promise<Orphan[]> {
  const [{ name: project }, state, configuration] = await Promise.all([
    stack.workspace.projectSettings(),
    stack.exportStack(),
    stack.getAllConfig(),
  ]);
  const resources = deployment.parse(state.deployment).resources;
  const known = new Set(resources.map(({ type, id }) => `${type} ${id}`));
  const given = resources.filter(({ type }) => type === `pulumi:providers:${HOST_PACKAGE}`).map(({ inputs }) => inputs);
  const configured = Object.fromEntries(Object.entries(configuration).map(([name, { value }]) => [name, value]));

  const orphans = new Map<string, Orphan>();
  for (const config of accounts([configured, ...given])) {
    const open = new PendingCreates(config.endpoint).pendingIn(project, stack.name.split("/").at(-1) ?? "");
    for (const orphan of await leftOf(open, config)) {
      const object = `${orphan.type} ${orphan.id}`;
      if (!known.has(object)) orphans.set(object, orphan);
    }
  }
  return [...orphans.values()];
}

async function leftOf(open: PendingCreate[], config: Config): Promise<Orphan[]> {
  if (open.length === 0) return [];
  const { keys, repos } = connect(config);
  const there: Record<string, { id: string; name: string }[]> = { SshKey: await keys.all(), Repo: await repos.all() };
  return open.flatMap(({ kind, origin, id, args, before }) =>
    (there[kind] ?? [])
      .filter((item) => (id === undefined ? item.name === args.name && !before.includes(item.id) : item.id === id))
      .map((item) => ({
        type: TYPE + kind,
        // Project and stack names hold no slash; resource names may.
        name: origin.split("/").slice(2).join("/"),
        id: item.id,
        toldBy: id === undefined ? "name" : "id",
      })),
  );
}

/** Each once; one without a token only where there is none with a token at the same address, so that its error is told. */
function accounts(given: Record<string, unknown>[]): Config[] {
  const all = new Map<string, Config>();
  for (const settings of given) {
    const config = resolveConfig(settingsIn(settings));
    all.set(JSON.stringify([config.endpoint, config.token]), config);
  }
  const configs = [...all.values()];
  const withToken = new Set(configs.filter(({ token }) => token).map(({ endpoint }) => endpoint));
  return configs.filter(({ endpoint, token }) => token || !withToken.has(endpoint));
}

function settingsIn(settings: Record<string, unknown>): GivenConfig {
  const [token, endpoint] = [plain(settings["borgbase:token"]), plain(settings["borgbase:endpoint"])];
  return { ...(token && { token }), ...(endpoint && { endpoint }) };
}

/** An exported state keeps a secret as an object whose `plaintext` is JSON. */
function plain(value: unknown): string | undefined {
  const secret = z.object({ plaintext: z.string() }).safeParse(value);
  const text: unknown = secret.success ? JSON.parse(secret.data.plaintext) : value;
  return typeof text === "string" ? text : undefined;
}

const deployment = z.object({
  resources: z
    .array(
      z.object({ type: z.string(), id: z.string().optional(), inputs: z.record(z.string(), z.unknown()).default({}) }),
    )
    .nullish()
    .transform((resources) => resources ?? []),
});
