import type { Secret, Secrets } from "./secrets";
import type { ConfigEntry, KitResource } from "./state";

/** Everything that a recovery kit tells. Lists are sorted, so that equal stacks and accounts make equal kits. */
export interface Kit {
  /** Undefined for a kit of the account alone. */
  stack: { name: string; project: string } | undefined;
  /** User name of the account, where the token may ask. */
  account: string | undefined;
  /** Whether the account was asked for what the stack does not manage. */
  asked: boolean;
  repositories: Repository[];
  keys: Key[];
  jobs: Job[];
  hosts: Host[];
  ui: UiObject[];
  secrets: Secrets;
  config: ConfigEntry[];
  /** Resources that a new stack takes back. */
  resources: KitResource[];
}

/** A repository of BorgBase, or any other that a job or a Borg UI server backs up to. */
export interface Repository {
  /** A name for files: letters, digits, `-` and `_`. */
  name: string;
  title: string;
  /** At BorgBase. */
  id: string | undefined;
  /** `borg1`, `restic`, … */
  format: string;
  region: string | undefined;
  borgVersion: string | undefined;
  /** For the program, without a password. */
  address: string;
  server: Server | undefined;
  /** Path of the resource, or of the resources that use it. */
  resources: string[];
  encryption: string | undefined;
  /** Keys that may log in, best first. */
  keys: { title: string; fingerprint: string; may: string }[];
  /** Its files in the kit. */
  key: Secret | undefined;
  passphrase: Secret | undefined;
  /** The exported key of the repository. */
  repositoryKey: Secret | undefined;
  /** restic's address with its password. */
  url: Secret | undefined;
  remotePath: string | undefined;
  users: string[];
}

export interface Server {
  host: string;
  port: number;
  /** Of `known_hosts`. */
  lines: string[];
  /** `SHA256:…` */
  fingerprints: string[];
}

/** A key that is registered with BorgBase. */
export interface Key {
  id: string;
  name: string;
  fingerprint: string;
  may: string[];
  privateHalf: Secret | undefined;
  resource: string | undefined;
}

/** A job on a machine. */
export interface Job {
  name: string;
  /** `root@web-1.example.com`, or the machine that runs Pulumi. */
  machine: string;
  /** Command that runs another one there. Empty for the machine itself. */
  login: string;
  hostKey: string | undefined;
  user: string;
  repository: string;
  unit: string;
  files: { config: string; key: string; passphrase: string; wrapper: string };
  resource: string;
}

/** An account on a host with a deployed key. */
export interface Host {
  account: string;
  fingerprint: string;
  may: string;
  knownHosts: string;
  resource: string;
}

/** An object of a Borg UI server. */
export interface UiObject {
  type: string;
  id: string;
  name: string;
  /** In words. */
  what: string;
  resource: string;
}
