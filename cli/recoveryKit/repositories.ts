import { serverOf } from "../../provider/machine/serverKeys";
import type { BackupJobState } from "../../provider/schema/backupJob";
import type { RepositoryState } from "../../provider/schema/borgui/repository";
import type { RepoState } from "../../provider/schema/repo";
import type { SshConnectionState } from "../../provider/schema/sshConnection";
import { readPins } from "../../provider/ssh/connection/hostKeyPins";
import { logicalNames } from "../logicalNames";
import { compareNames } from "../order";
import { jobFiles, onMachine } from "./jobs";
import type { Key, Repository, Server } from "./kit";
import { code } from "./markdown";
import { fingerprintOf, type Secrets } from "./secrets";
import type { KitResource } from "./state";

/** A repository of BorgBase in the state or the account. */
export interface BorgBaseRepo {
  id: string;
  state: RepoState;
  /** Undefined for one that the stack does not manage. */
  resource: string | undefined;
}

interface Sources {
  repos: BorgBaseRepo[];
  keys: Key[];
  resources: KitResource[];
  secrets: Secrets;
}

/** Everything that holds backups: the repositories of BorgBase, then others that jobs and Borg UI use, by name. */
export function repositoriesOf(sources: Sources): Repository[] {
  const { repos, resources } = sources;
  const users = usersByAddress(resources);
  const own = repos.map((repo) => fromRepo(repo, sources));
  const known = new Set(own.map(({ address }) => comparable(address)));
  const others = [...users].flatMap(([address, [first]]) => (first && !known.has(address) ? [first] : []));
  const all = [...own, ...others.filter((user) => isRemote(addressOf(user))).map(fromUser)].sort(
    (a, b) => compareNames(a.title, b.title) || compareNames(a.id ?? "", b.id ?? ""),
  );
  const names = logicalNames(
    all.map(({ title, id, address }) => ({ type: "Repo", name: title, id: id ?? address })),
    [],
  );
  return all.map((each, index) => {
    const own = users.get(comparable(each.address)) ?? [];
    return withUsers({ ...each, name: names[index] ?? "" }, own, sources);
  });
}

/** The jobs and the Borg UI repositories, by the address that they use. */
function usersByAddress(resources: KitResource[]): Map<string, KitResource[]> {
  const found = new Map<string, KitResource[]>();
  for (const user of resources.filter(({ type }) => type === "BackupJob" || type === "borgui.Repository")) {
    const address = comparable(addressOf(user));
    found.set(address, [...(found.get(address) ?? []), user]);
  }
  return found;
}

const NOTHING = { key: undefined, passphrase: undefined, repositoryKey: undefined, url: undefined };

function fromRepo({ id, state, resource }: BorgBaseRepo, { keys, secrets }: Sources): Repository {
  const { repoPath, resticUrl, server = {}, format } = state;
  const isRestic = resticUrl !== undefined;
  const place = isRestic ? undefined : serverOf(repoPath);
  const fingerprints = [server.fingerprintEd25519, server.fingerprintEcdsa, server.fingerprintRsa];
  const may = [
    ...state.fullAccessKeys.map((key) => ({ key, may: "full access" })),
    ...state.appendOnlyKeys.map((key) => ({ key, may: "append only" })),
    ...state.rsyncKeys.map((key) => ({ key, may: "rsync" })),
  ];
  return {
    ...NOTHING,
    users: [],
    name: "",
    title: state.name,
    id,
    format,
    region: state.region,
    borgVersion: state.borgVersion,
    address: isRestic ? resticUrl.replace(/^(rest:https?:\/\/[^:/@]*):[^@/]*@/, "$1@") : repoPath,
    server: place && {
      ...place,
      lines: [],
      fingerprints: fingerprints.filter((each) => each !== undefined && each !== "") as string[],
    },
    resources: resource === undefined ? [] : [`Repo ${code(resource)}`],
    encryption: undefined,
    keys: may.map(({ key, may }) => {
      const found = keys.find(({ id }) => id === key);
      return { title: found?.name ?? key, fingerprint: found?.fingerprint ?? "", may };
    }),
    url: secrets.of(resticUrl),
    remotePath: undefined,
  };
}

/** A repository that is none of BorgBase's. */
function fromUser(user: KitResource): Repository {
  const address = addressOf(user);
  const place = serverOf(address);
  return {
    ...NOTHING,
    users: [],
    name: "",
    title: user.name,
    id: undefined,
    format: "borg1",
    region: undefined,
    borgVersion: undefined,
    address,
    server: place && { ...place, lines: [], fingerprints: [] },
    resources: [],
    encryption: undefined,
    keys: [],
    remotePath: undefined,
  };
}

/** Adds what its users know. */
function withUsers(repository: Repository, users: KitResource[], { resources, secrets }: Sources): Repository {
  const found = { ...repository, resources: [...repository.resources] };
  const keys: unknown[] = repository.keys.filter(({ may }) => may !== "rsync").map(({ fingerprint }) => fingerprint);
  found.key = keys.map((each) => secrets.keyOf(each)).find((each) => each !== undefined);
  const server: Server | undefined = repository.server && { ...repository.server };
  found.server = server;
  for (const user of users) {
    const values = user.values as unknown as BackupJobState & RepositoryState;
    found.passphrase ??= secrets.of(values.passphrase);
    found.encryption ??= values.encryption;
    found.remotePath ??= values.remotePath;
    found.resources.push(`${user.type} ${code(user.name)}`);
    if (user.type !== "BackupJob") {
      found.users.push(`Borg UI, as its repository ${code(values.name)}`);
      continue;
    }
    found.key ??= secrets.keyOf(fingerprintOf(values.privateKey));
    found.repositoryKey ??= secrets.of(values.repositoryKey);
    found.users.push(
      `the job ${code(values.name)} on ${onMachine(user)}; root restores there with ${code(`${jobFiles(user).wrapper} list`)}`,
    );
    if (server !== undefined && server.fingerprints.length === 0) {
      server.fingerprints = pinsOf(server, values.repositoryHostKeys, values.pinnedHostKeys);
    }
  }
  for (const { values } of resources.filter(({ type }) => type === "SshConnection")) {
    const { host, port, knownHosts } = values as unknown as SshConnectionState;
    if (server?.host === host && server.port === port && !server.lines.includes(knownHosts))
      server.lines.push(knownHosts);
  }
  return found;
}

function pinsOf({ host, port }: Server, declared: unknown, pinned: readonly string[] = []): string[] {
  const entries = [declared ?? []].flat() as string[];
  const read = entries.length === 0 ? [] : readPins(host, port, entries);
  const accepted = read.filter(({ revoked }) => !revoked).map(({ fingerprint }) => fingerprint);
  return [...new Set([...pinned, ...accepted])].sort();
}

function addressOf({ type, values }: KitResource): string {
  return String(type === "BackupJob" ? values.repository : values.url);
}

function isRemote(address: string): boolean {
  return address.startsWith("ssh://");
}

/** `ssh://a@b/./repo` and `ssh://a@b:22/repo` of BorgBase are one repository. */
function comparable(address: string): string {
  if (!URL.canParse(address)) return address;
  const { protocol, username, hostname, port, pathname } = new URL(address);
  return `${protocol}//${username}@${hostname}:${port || "22"}${pathname.replace(/^\/\.?\/?/, "/").replace(/\/+$/, "")}`;
}
