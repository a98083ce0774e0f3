import { open, rename, rm } from "node:fs/promises";

/** Bytes of changes from which the whole state is rewritten, at least; for a large state, twice its size. */
const MIN_LIMIT = 1_000_000;

/** Delay in ms after which changes also survive a power cut. They survive a `kill -9` once they are committed. */
const SYNC_DELAY = 1000;

export interface JournalFiles {
  /** The whole state, replaced atomically. */
  state: string;
  /** One line for each later change. */
  changes: string;
}

/**
 * Write-ahead journal with group commit: changes that arrive during a write share the next one. Rewriting the whole state
 * would cost each request more as the state grows.
 */
export class Journal {
  private waiting: string[] = [];
  /** The write that will take the waiting changes. */
  private next: Promise<void> | null = null;
  private current: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private size = 0;
  private limit = MIN_LIMIT;
  /** The last write failed: the next write rewrites the whole state. */
  private incomplete = false;

  /** @param state the text of the whole state. */
  constructor(
    private readonly files: JournalFiles,
    private readonly state: () => string,
  ) {}

  add(change: object): void {
    this.waiting.push(`${JSON.stringify(change)}\n`);
    this.schedule();
  }

  /** Resolves when all changes so far are written; rejects when they cannot be. */
  commit(): Promise<void> {
    if (this.incomplete) this.schedule();
    return this.next ?? this.current;
  }

  /** Resolves when the state file contains all changes. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    await this.commit();
    clearTimeout(this.timer);
    if (this.size > 0) await this.writeAll();
  }

  private schedule(): void {
    if (this.next) return;
    const next = this.current
      .catch(() => {})
      .then(() => {
        this.current = next;
        this.next = null;
        return this.write();
      });
    this.next = next;
    next.catch((error: Error) => process.emitWarning(error.message));
  }

  private async write(): Promise<void> {
    const lines = this.waiting.splice(0);
    try {
      if (this.incomplete || this.size > this.limit) await this.writeAll();
      else await this.append(lines.join(""));
      this.incomplete = false;
    } catch (error) {
      this.incomplete = true;
      throw new Error(`The emulator cannot save its data: ${(error as NodeJS.ErrnoException).code ?? error}`);
    }
  }

  private async append(text: string): Promise<void> {
    if (text === "") return;
    // Opened by name each time, so that a deleted folder is noticed.
    const file = await open(this.files.changes, "a", 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    this.size += Buffer.byteLength(text);
    this.timer ??= setTimeout(() => this.sync(), SYNC_DELAY).unref();
  }

  private sync(): void {
    this.timer = undefined;
    const synced = async () => {
      const file = await open(this.files.changes, "r");
      await file.datasync().finally(() => file.close());
    };
    // A failure matters only at a power cut, and the next write reports the same fault.
    synced().catch(() => {});
  }

  /** Deletes the changes only when the state that contains them is on disk. */
  private async writeAll(): Promise<void> {
    const text = this.state();
    const file = await open(`${this.files.state}.new`, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(`${this.files.state}.new`, this.files.state);
    await rm(this.files.changes, { force: true });
    this.size = 0;
    this.limit = Math.max(MIN_LIMIT, 2 * text.length);
  }
}
