import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { lockFolder } from "../../folderLock";
import { Journal } from "../../journal";
import {
  type Connection,
  connectionRow,
  type Key,
  keyRow,
  type Plan,
  planRow,
  type Repository,
  type Run,
  repositoryRow,
  runRow,
  type Script,
  scriptRow,
  type Token,
  tokenRow,
  type User,
  userRow,
} from "./rows";
import { Table } from "./table";

const SCHEMAS = {
  users: userRow,
  tokens: tokenRow,
  keys: keyRow,
  connections: connectionRow,
  repositories: repositoryRow,
  plans: planRow,
  runs: runRow,
  scripts: scriptRow,
};

type TableName = keyof typeof SCHEMAS;
const NAMES = Object.keys(SCHEMAS) as TableName[];

const stateFile = z.object({
  secret: z.string(),
  parts: z.number(),
  tables: z.record(z.string(), z.object({ last: z.number(), rows: z.array(z.unknown()) })),
});

/** One line of `changes.jsonl`: the new value of a row, or null after its deletion. */
const change = z.strictObject({ table: z.enum(NAMES), id: z.number(), row: z.unknown(), parts: z.number() });

const FILES = { state: "state.json", changes: "changes.jsonl" };

/**
 * The database of a Borg UI server in memory. With a folder also in files there, readable by their owner only: `state.json`,
 * and `changes.jsonl` for later changes. One process at a time locks the folder.
 */
export class Store {
  readonly users = this.table<User>("users");
  readonly tokens = this.table<Token>("tokens");
  readonly keys = this.table<Key>("keys");
  readonly connections = this.table<Connection>("connections");
  readonly repositories = this.table<Repository>("repositories");
  readonly plans = this.table<Plan>("plans");
  readonly runs = this.table<Run>("runs");
  readonly scripts = this.table<Script>("scripts");
  /** Signs the session tokens. They survive a restart. */
  readonly secret: string;
  private parts = 0;
  private readonly journal: Journal | null = null;
  private readonly unlock: () => void = () => {};

  /** Throws an error of one line when another emulator locks the folder, or a file there is unreadable or foreign. */
  constructor(private readonly folder: string | null) {
    if (folder === null) {
      this.secret = newSecret();
      return;
    }
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.unlock = lockFolder(folder);
    try {
      this.secret = this.loadState();
      this.loadChanges();
      this.write();
      rmSync(join(folder, FILES.changes), { force: true });
    } catch (error) {
      this.unlock();
      throw error;
    }
    const files = { state: join(folder, FILES.state), changes: join(folder, FILES.changes) };
    this.journal = new Journal(files, () => this.text());
  }

  /** A new id for a part of a row, as a repository of a backup plan. */
  newPartId(): number {
    this.parts++;
    return this.parts;
  }

  /** Resolves when all changes so far survive a `kill -9`; rejects when they cannot be written. */
  async commit(): Promise<void> {
    await this.journal?.commit();
  }

  async close(): Promise<void> {
    await this.journal?.close().finally(() => this.unlock());
  }

  private table<Row extends { id: number }>(table: TableName): Table<Row> {
    return new Table<Row>((id, row) => this.journal?.add({ table, id, row, parts: this.parts }));
  }

  private loadState(): string {
    const state = this.read(FILES.state, (text) => stateFile.parse(JSON.parse(text)));
    if (!state) return newSecret();
    for (const name of NAMES) {
      const { last, rows } = state.tables[name] ?? { last: 0, rows: [] };
      for (const row of rows) this.load(name, row);
      this[name].reserve(last);
    }
    this.parts = state.parts;
    return state.secret;
  }

  private loadChanges(): void {
    const lines = this.read(FILES.changes, (text) =>
      // Text behind the last newline was cut off by a kill, and was never acknowledged.
      text
        .split("\n")
        .slice(0, -1)
        .map((line) => change.parse(JSON.parse(line))),
    );
    for (const { table, id, row, parts } of lines ?? []) {
      if (row === null) this[table].forget(id);
      else this.load(table, row);
      this.parts = parts;
    }
  }

  private load(name: TableName, row: unknown): void {
    const table = this[name] as unknown as Table<{ id: number }>;
    table.restore(SCHEMAS[name].parse(row));
  }

  private text(): string {
    const tables = Object.fromEntries(NAMES.map((name) => [name, this[name].state]));
    return `${JSON.stringify({ secret: this.secret, parts: this.parts, tables })}\n`;
  }

  private write(): void {
    const path = join(this.folder ?? "", FILES.state);
    writeFileSync(`${path}.new`, this.text(), { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
  }

  private read<T>(name: string, parse: (text: string) => T): T | undefined {
    const path = join(this.folder ?? "", name);
    try {
      return parse(readFileSync(path, "utf8"));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw new Error(`${path} is not what the emulator writes: delete it or choose another data folder`);
    }
  }
}

function newSecret(): string {
  return randomBytes(32).toString("base64url");
}
