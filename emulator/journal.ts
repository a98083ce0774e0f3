import { open, rename, rm } from "node:fs/promises";

/** Bytes of changes from which the whole state is written anew, and how much larger than the state they may grow. */
const SMALLEST_LIMIT = 1_000_000;

/** ms until changes are safe from a power cut too. From a `kill -9` they are as soon as they are committed. */
const SYNC_DELAY = 1000;

export interface JournalFiles {
  /** The whole state, replaced at once. */
  state: string;
  /** One line for each change since. */
  changes: string;
}

/**
 * Changes on the disk, in groups: all that come up while a write is under way share the next one. Written whole, the state
 * would cost each request more the more there is of it.
 */
export class Journal {
  private waiting: string[] = [];
  /** The write that will take what waits. */
  private next: Promise<void> | null = null;
  private underWay: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private size = 0;
  private limit = SMALLEST_LIMIT;
  /** The files lack something: the next write is one of everything. */
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
    return this.next ?? this.underWay;
  }

  /** Resolves when everything stands in the one file of the state. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    await this.commit();
    clearTimeout(this.timer);
    if (this.size > 0) await this.writeAll();
  }

  private schedule(): void {
    if (this.next) return;
    const next = this.underWay
      .catch(() => {})
      .then(() => {
        this.underWay = next;
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
    // By its name each time: a folder that was deleted is noticed.
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
    // Failing, it only loses what a power cut would take, and the next write finds the same fault.
    synced().catch(() => {});
  }

  /** The changes may go only after the state that holds them is on the disk. */
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
    this.limit = Math.max(SMALLEST_LIMIT, 2 * text.length);
  }
}
