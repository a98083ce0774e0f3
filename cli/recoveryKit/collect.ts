import type { Api } from "../../provider/api";
import { toState as repoState } from "../../provider/resources/repo/remote";
import { toState as keyState } from "../../provider/resources/sshKey";
import type { RepoState } from "../../provider/schema/repo";
import type { SshConnectionState } from "../../provider/schema/sshConnection";
import type { SshKeyState } from "../../provider/schema/sshKey";
import { byNameAndId, compareNames } from "../order";
import { toJob } from "./jobs";
import type { Host, Key, Kit, UiObject } from "./kit";
import { code } from "./markdown";
import { type BorgBaseRepo, repositoriesOf } from "./repositories";
import { Secrets } from "./secrets";
import { secretsOf } from "./stackSecrets";
import type { KitResource, StackState } from "./state";

/**
 * Everything that a kit tells.
 * @param api undefined where no token is set: the kit tells what the state alone knows
 */
export async function collect(state: StackState | undefined, api: Api | undefined): Promise<Kit> {
  const [owner, apiKeys, apiRepos] = api
    ? await Promise.all([api.account.owner(), api.keys.all(), api.repos.all()])
    : [undefined, [], []];
  const resources = [...(state?.resources ?? [])].sort(
    (a, b) => compareNames(a.path, b.path) || compareNames(a.id, b.id),
  );
  const secrets = state ? secretsOf(state) : new Secrets();
  const of = (type: string) => resources.filter((each) => each.type === type);

  const repos: BorgBaseRepo[] = unique(of("Repo")).map(({ id, name, values, isManaged }) => ({
    id,
    state: values as unknown as RepoState,
    resource: isManaged ? name : undefined,
  }));
  const known = new Set(repos.map(({ id }) => id));
  for (const repo of apiRepos.filter(({ id }) => !known.has(id))) {
    const found = repoState(repo, {});
    repos.push({ id: repo.id, state: found, resource: undefined });
    const what = `address of restic for ${code(repo.name)}, with the password of the server`;
    secrets.add({ value: found.resticUrl, file: `${repo.name}.url`, what, place: "the web console of BorgBase" });
  }

  const keys = keysOf(
    unique(of("SshKey")),
    apiKeys.map((key) => ({ id: key.id, state: keyState(key) })),
    repos,
    secrets,
  );
  return {
    stack: state && { name: state.name, project: state.project },
    account: owner ?? repos.find(({ state }) => state.__account !== undefined)?.state.__account,
    asked: api !== undefined,
    repositories: repositoriesOf({ repos, keys, resources, secrets }),
    keys,
    jobs: of("BackupJob").map(toJob),
    hosts: of("SshConnection").map(toHost),
    ui: resources.filter(({ type }) => type.startsWith("borgui.")).map(toUiObject),
    secrets,
    config: state?.config ?? [],
    resources: resources.filter(({ isManaged }) => isManaged),
  };
}

/** One entry per object: a program may manage an object and read it too. */
function unique(resources: KitResource[]): KitResource[] {
  const first = new Map<string, KitResource>();
  for (const each of resources) {
    if (!first.get(each.id)?.isManaged && (each.isManaged || !first.has(each.id))) first.set(each.id, each);
  }
  return resources.filter((each) => first.get(each.id) === each);
}

interface RegisteredKey {
  id: string;
  state: SshKeyState;
}

function keysOf(managed: KitResource[], listed: RegisteredKey[], repos: BorgBaseRepo[], secrets: Secrets): Key[] {
  const found = new Map<string, { state: SshKeyState; resource?: string }>();
  for (const { id, state } of listed) found.set(id, { state });
  for (const { id, name, values, isManaged } of managed) {
    found.set(id, { state: values as unknown as SshKeyState, ...(isManaged && { resource: name }) });
  }
  const may = (id: string) =>
    repos.flatMap(({ state }) => [
      ...(state.fullAccessKeys.includes(id) ? [`full access to ${code(state.name)}`] : []),
      ...(state.appendOnlyKeys.includes(id) ? [`append only to ${code(state.name)}`] : []),
      ...(state.rsyncKeys.includes(id) ? [`rsync to ${code(state.name)}`] : []),
    ]);
  return [...found]
    .map(([id, { state, resource }]) => ({
      id,
      name: state.name,
      fingerprint: state.fingerprintSha256,
      may: may(id).sort(compareNames),
      privateHalf: secrets.keyOf(state.fingerprintSha256),
      resource,
    }))
    .sort(byNameAndId);
}

function toHost({ id, name, values }: KitResource): Host {
  const { fingerprintSha256, restrict, knownHosts } = values as unknown as SshConnectionState;
  return { account: id, fingerprint: fingerprintSha256, may: mayDo(restrict), knownHosts, resource: name };
}

function mayDo(restrict: SshConnectionState["restrict"]): string {
  if (restrict?.options !== undefined) return code(restrict.options || "everything");
  if (restrict?.borgServe === undefined) return "everything";
  const { path, appendOnly } = restrict.borgServe;
  return `borg in ${code(path)}${appendOnly ? ", append only" : ""}`;
}

function toUiObject({ type, id, name, values }: KitResource): UiObject {
  const text = (property: string) => String(values[property] ?? "");
  const what: Record<string, () => string> = {
    "borgui.SystemKey": () => `key ${code(text("fingerprintSha256"))}; its private half is on the server alone`,
    "borgui.Key": () => `key ${code(text("fingerprintSha256"))}`,
    "borgui.Connection": () => `host ${code(`${text("username")}@${text("host")}:${text("port")}`)}`,
    "borgui.Repository": () => `${code(text("url"))}, encryption ${code(text("encryption"))}`,
    "borgui.BackupPlan": () => `folders ${code([values.sourceDirectories].flat().join(", "))}`,
  };
  return { type, id, name: text("name") || id, what: what[type]?.() ?? "", resource: name };
}
