import { ProviderError } from "../errors";
import type { DataFunction } from "../function";
import type { Target } from "../ssh/account";
import { SshError } from "../ssh/error";
import type { Storage } from "../ssh/storage";

/** Which account to ask, how to know its host, and how to get in. */
export interface Where {
  /** A name, an IPv4 or an IPv6 address. */
  host: string;
  /** Default 22. */
  port?: number | undefined;
  username: string;
  /** A `SHA256:…` fingerprint, a `known_hosts` line, or a list of them. */
  hostKey: string | string[];
  /** Secret. */
  privateKey?: string | undefined;
  /** Opens `privateKey`. Secret. */
  passphrase?: string | undefined;
  /** Secret. */
  password?: string | undefined;
  /** The keys of the ssh-agent; default false. */
  agent?: boolean | undefined;
  /** Seconds for the whole operation; default 30. */
  timeout?: number | undefined;
  /** Put before absolute paths, as Synology needs it. */
  sshPathPrefix?: string | undefined;
}

export type StorageArgs = Where & {
  /** Default: where a login starts. */
  path?: string | undefined;
};

/** Free space in bytes; `percentUsed` with one decimal. */
export type StorageInfo = Storage;

/** How a connection went. */
export interface ConnectionInfo {
  status: "connected" | "failed";
  /** One line; absent when connected. */
  error?: string;
  /** The step that failed; `session` when all went well. */
  phase: "resolve" | "connect" | "hostKey" | "authentication" | "session";
  /** What the login may do; absent when it failed. */
  access?: "shell" | "restricted" | "sftp";
  /** Milliseconds of about one round trip; absent when no connection came about. */
  latencyMs?: number;
  /** Absent where the login finds no borg. */
  remoteBorgVersion?: string;
}

async function whereFields() {
  const { z } = await import("../zod.js");
  const text = (name: string) => z.string({ error: `${name} must be a text` });
  return {
    host: text("host").min(1, { error: "host must not be empty" }),
    port: z.int({ error: "port must be a whole number" }).optional(),
    username: text("username"),
    hostKey: z.union([z.string().min(1), z.array(z.string()).min(1)], {
      error: "hostKey is required: a SHA256:… fingerprint, a known_hosts line, or a list of them",
    }),
    privateKey: text("privateKey").optional(),
    passphrase: text("passphrase").optional(),
    password: text("password").optional(),
    agent: z.boolean({ error: "agent must be true or false" }).optional(),
    timeout: z.number({ error: "timeout must be a number of seconds" }).min(1).max(3600).optional(),
    sshPathPrefix: text("sshPathPrefix").optional(),
  };
}

function target({ privateKey, passphrase, password, agent, hostKey, host, port, username, timeout }: Where): Target {
  const credentials = [{ privateKey, passphrase }, { agent: agent || undefined }, { password }];
  return {
    host,
    port,
    username,
    timeout,
    hostKey,
    credentials: credentials.filter((way) => Object.values(way).some(Boolean)),
  };
}

async function told<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    throw new ProviderError(error.kind === "input" ? "input" : "host", error.message, { cause: error });
  }
}

/** Free space where backups go. Works on hosts without a shell too. */
export const getStorage: DataFunction<StorageArgs, StorageInfo> = {
  async args() {
    const { z } = await import("../zod.js");
    return z.strictObject({ ...(await whereFields()), path: z.string({ error: "path must be a text" }).optional() });
  },
  async run({ path, ...where }) {
    const { storage } = await import("../ssh/storage.js");
    const { sshPathPrefix } = where;
    return told(() => storage({ ...target(where), ...(sshPathPrefix !== undefined && { sshPathPrefix }) }, path));
  },
};

/** Tries a connection step by step. A host that refuses is an answer; only arguments that cannot be used are an error. */
export const testConnection: DataFunction<Where, ConnectionInfo> = {
  async args() {
    const { z } = await import("../zod.js");
    return z.strictObject(await whereFields());
  },
  async run(where) {
    const { testConnection: test } = await import("../ssh/testConnection.js");
    const { hostKey: _, ...result } = await told(() => test(target(where)));
    return JSON.parse(JSON.stringify(result));
  },
};
