import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
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
  /** What the repository is said to hold, instead of what lies on the disk; null for what lies on the disk. */
  pretended: z.object({ currentUsage: z.number(), lastModified: z.string().nullable() }).nullable(),
});

export type Account = z.infer<typeof accountSchema>;
export type SshKey = z.infer<typeof keySchema>;
export type Repo = z.infer<typeof repoSchema>;

const accountsFile = z.object({ accounts: z.array(accountSchema), tokens: z.array(tokenSchema) });
const stateFile = z.object({ nextKeyId: z.number(), keys: z.array(keySchema), repos: z.array(repoSchema) });

type Accounts = z.infer<typeof accountsFile>;

/** How long changes are collected before they are written. What was answered less than this ago is lost by a `kill -9`. */
const SAVE_DELAY_MS = 50;

const EMAILS = ["demo@example.com", "other@example.com"];

/**
 * Accounts, tokens, keys and repositories: in memory, and with a data folder also in two JSON files there, readable by
 * their owner only: `accounts.json` (passwords and tokens) and `state.json`. Whoever changes an object calls `changed()`.
 */
export class Store {
  readonly keys = new Map<string, SshKey>();
  readonly repos = new Map<string, Repo>();
  private nextKeyId = 1001;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  /** Throws one line when a file of the folder cannot be read or is not what the emulator wrote. */
  constructor(
    private readonly folder: string | null,
    given?: Accounts,
  ) {
    if (folder !== null) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const saved = this.load("accounts.json", accountsFile);
    this.identities = given ?? saved ?? newAccounts();
    const state = this.load("state.json", stateFile);
    for (const key of state?.keys ?? []) this.keys.set(key.id, key);
    for (const repo of state?.repos ?? []) this.repos.set(repo.id, repo);
    this.nextKeyId = state?.nextKeyId ?? this.nextKeyId;
    this.changed();
  }

  private readonly identities: Accounts;

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

  /** Removes every key and repository; accounts stay, their tokens neither expire nor change their level. */
  reset(): void {
    this.keys.clear();
    this.repos.clear();
    this.changed();
  }

  /** Writes soon; changes in between share one write. */
  changed(): void {
    if (this.folder === null) return;
    this.timer ??= setTimeout(() => {
      this.flush().catch((error: Error) => process.emitWarning(`The emulator cannot save its data: ${error.message}`));
    }, SAVE_DELAY_MS);
  }

  /** Resolves when the files hold everything; rejects when they cannot be written. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const written = this.writing.then(() => this.save());
    // One write that fails (a full disk) must not stop the next ones.
    this.writing = written.catch(() => {});
    return written;
  }

  private async save(): Promise<void> {
    const state = { nextKeyId: this.nextKeyId, keys: [...this.keys.values()], repos: [...this.repos.values()] };
    await this.write("accounts.json", this.identities);
    await this.write("state.json", state);
  }

  private async write(name: string, content: unknown): Promise<void> {
    if (this.folder === null) return;
    const path = join(this.folder, name);
    await writeFile(`${path}.new`, `${JSON.stringify(content)}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  private load<T>(name: string, schema: z.ZodType<T>): T | undefined {
    if (this.folder === null) return undefined;
    const path = join(this.folder, name);
    try {
      return schema.parse(JSON.parse(readFileSync(path, "utf8")));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw new Error(`${path} is not what the emulator writes: delete it or choose another data folder`);
    }
  }
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
