import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { lockFolder } from "./folderLock";
import { Journal } from "./journal";
import { newTokens, TOKEN_LEVELS } from "./tokens";

const tokenSchema = z.object({
  secret: z.string().min(1),
  account: z.string(),
  name: z.enum(TOKEN_LEVELS),
  level: z.enum(TOKEN_LEVELS),
  expiresAt: z.string().nullable(),
});

const accountSchema = z.object({ id: z.string(), email: z.string(), password: z.string() });

const keySchema = z.object({
  id: z.string(),
  account: z.string(),
  name: z.string(),
  /** Algorithm and base64 body, as in the first two words of an OpenSSH line. */
  keyData: z.string(),
  keyType: z.string(),
  bits: z.number(),
  comment: z.string(),
  hashMd5: z.string(),
  hashSha256: z.string(),
  addedAt: z.string(),
  lastUsedAt: z.string().nullable(),
});

const repoSchema = z.object({
  id: z.string(),
  account: z.string(),
  name: z.string(),
  region: z.string(),
  format: z.string(),
  borgVersion: z.string(),
  quota: z.number(),
  quotaEnabled: z.boolean(),
  alertDays: z.number(),
  appendOnly: z.boolean(),
  appendOnlyKeys: z.array(z.string()),
  fullAccessKeys: z.array(z.string()),
  rsyncKeys: z.array(z.string()),
  sftpEnabled: z.boolean(),
  compactionEnabled: z.boolean(),
  compactionInterval: z.number(),
  compactionIntervalUnit: z.string(),
  compactionHour: z.number(),
  compactionHourTimezone: z.string(),
  htpasswd: z.string().nullable(),
  createdAt: z.string(),
  /** Reported usage instead of the usage on disk; null for the usage on disk. */
  pretended: z.object({ currentUsage: z.number(), lastModified: z.string().nullable() }).nullable(),
});

export type Account = z.infer<typeof accountSchema>;
export type SshKey = z.infer<typeof keySchema>;
export type Repo = z.infer<typeof repoSchema>;

const accountsFile = z.object({ accounts: z.array(accountSchema), tokens: z.array(tokenSchema) });
const stateFile = z.object({ nextKeyId: z.number(), keys: z.array(keySchema), repos: z.array(repoSchema) });

/** One line of `changes.jsonl`: the new value of an object, or its removal. */
const change = z.union([
  z.strictObject({ key: keySchema }),
  z.strictObject({ repo: repoSchema }),
  z.strictObject({ keyGone: z.string() }),
  z.strictObject({ repoGone: z.string() }),
  z.strictObject({ allGone: z.literal(true) }),
]);

type Accounts = z.infer<typeof accountsFile>;
type Change = z.infer<typeof change>;

const EMAILS = ["demo@example.com", "other@example.com"];

const FILES = { accounts: "accounts.json", state: "state.json", changes: "changes.jsonl" };

/**
 * Accounts, tokens, keys and repositories in memory. With a data folder also in files there, readable by their owner only:
 * `accounts.json` (passwords and tokens), `state.json`, and `changes.jsonl` for later changes. One process at a time locks
 * the folder. A caller that changes an object also has to save it.
 */
export class Store {
  readonly keys = new Map<string, SshKey>();
  readonly repos = new Map<string, Repo>();
  private nextKeyId = 1001;
  private readonly journal: Journal | null = null;
  private readonly unlock: () => void = () => {};
  private readonly identities: Accounts;

  /** Throws an error of one line when another emulator locks the folder, or a file there is unreadable or foreign. */
  constructor(
    private readonly folder: string | null,
    given?: Accounts,
  ) {
    if (folder === null) {
      this.identities = given ?? newAccounts();
      return;
    }
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.unlock = lockFolder(folder);
    try {
      this.identities =
        given ?? this.load(FILES.accounts, (text) => accountsFile.parse(JSON.parse(text))) ?? newAccounts();
      const state = this.load(FILES.state, (text) => stateFile.parse(JSON.parse(text)));
      for (const key of state?.keys ?? []) this.apply({ key });
      for (const repo of state?.repos ?? []) this.apply({ repo });
      this.nextKeyId = Math.max(this.nextKeyId, state?.nextKeyId ?? 0);
      const changes = this.load(FILES.changes, readChanges);
      for (const entry of changes ?? []) this.apply(entry);
      // Folds the changes into the state, and saves new tokens before they are shown.
      this.write(FILES.accounts, JSON.stringify(this.identities));
      if (changes || !state) this.write(FILES.state, this.text());
      rmSync(join(folder, FILES.changes), { force: true });
    } catch (error) {
      this.unlock();
      throw error;
    }
    this.journal = new Journal({ state: join(folder, FILES.state), changes: join(folder, FILES.changes) }, () =>
      this.text(),
    );
  }

  get accounts() {
    return this.identities.accounts;
  }

  get tokens() {
    return this.identities.tokens;
  }

  newKeyId(): string {
    return String(this.nextKeyId++);
  }

  newRepoId(): string {
    const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (;;) {
      const id = Array.from(randomBytes(8), (byte) => letters[byte % letters.length]).join("");
      if (!this.repos.has(id)) return id;
    }
  }

  saveKey(key: SshKey): void {
    this.record({ key });
  }

  saveRepo(repo: Repo): void {
    this.record({ repo });
  }

  deleteKey(id: string): void {
    this.record({ keyGone: id });
  }

  deleteRepo(id: string): void {
    this.record({ repoGone: id });
  }

  /** Removes every key and repository; accounts and tokens stay as they are. */
  reset(): void {
    this.record({ allGone: true });
  }

  /** Must be called after a change of a token. */
  saveTokens(): void {
    if (this.folder !== null) this.write(FILES.accounts, JSON.stringify(this.identities));
  }

  /** Resolves when all changes so far survive a `kill -9`; rejects when they cannot be written. */
  async commit(): Promise<void> {
    await this.journal?.commit();
  }

  /** Writes everything into two files and unlocks the folder. Rejects when the files cannot be written. */
  async close(): Promise<void> {
    await this.journal?.close().finally(() => this.unlock());
  }

  private record(entry: Change): void {
    this.apply(entry);
    this.journal?.add(entry);
  }

  private apply(entry: Change): void {
    if ("key" in entry) {
      this.keys.set(entry.key.id, entry.key);
      this.nextKeyId = Math.max(this.nextKeyId, Number(entry.key.id) + 1);
    } else if ("repo" in entry) {
      this.repos.set(entry.repo.id, entry.repo);
    } else if ("keyGone" in entry) {
      this.keys.delete(entry.keyGone);
    } else if ("repoGone" in entry) {
      this.repos.delete(entry.repoGone);
    } else {
      this.keys.clear();
      this.repos.clear();
    }
  }

  private text(): string {
    const state = { nextKeyId: this.nextKeyId, keys: [...this.keys.values()], repos: [...this.repos.values()] };
    return `${JSON.stringify(state)}\n`;
  }

  private write(name: string, text: string): void {
    const path = join(this.folder ?? "", name);
    writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
  }

  private load<T>(name: string, read: (text: string) => T): T | undefined {
    const path = join(this.folder ?? "", name);
    try {
      return read(readFileSync(path, "utf8"));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw new Error(`${path} is not what the emulator writes: delete it or choose another data folder`);
    }
  }
}

/** Text behind the last newline was cut off by a kill, and was never acknowledged. */
function readChanges(text: string): Change[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => change.parse(JSON.parse(line)));
}

/** Two accounts with fresh passwords and tokens. */
export function newAccounts(): Accounts {
  const accounts = EMAILS.map((email, index) => ({
    id: String(index + 1),
    email,
    password: randomBytes(8).toString("hex"),
  }));
  return { accounts, tokens: accounts.flatMap((account) => newTokens(account.email)) };
}
