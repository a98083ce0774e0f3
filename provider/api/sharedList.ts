import { setImmediate as nextTurn } from "node:timers/promises";

/** Milliseconds without a read that end a burst of them, and with it what its answer is good for. */
const IDLE_TTL = 5_000;
/** A burst's answer is never older than this: refreshing a thousand resources on a busy machine takes some twenty seconds. */
const MAX_TTL = 30_000;

interface Entry<T> {
  items: Promise<Map<string, T>>;
  /** The same, once it is there. */
  resolved?: Map<string, T>;
  /** When the burst ends unless somebody asks before. */
  idleExpiry: number;
  /** When it ends at the latest. */
  maxExpiry: number;
}

/**
 * One list query for all reads that are asked for together. The engine reads a thousand resources one by one; each
 * shares the list that is under way or has just come. Changes of the same process are told to it, so that nobody is
 * answered from before a change that had already ended.
 */
export class SharedList<T extends { id: string }> {
  #fetch: () => Promise<T[]>;
  #current: Entry<T> | undefined;
  #pendingRefetch: Promise<T[]> | undefined;

  constructor(fetch: () => Promise<T[]>) {
    this.#fetch = fetch;
  }

  async get(id: string): Promise<T | undefined> {
    return (await this.#items()).get(id);
  }

  async all(): Promise<T[]> {
    return [...(await this.#items()).values()];
  }

  /** The list as it is now, whatever was answered before. */
  refetch(): Promise<T[]> {
    this.invalidate();
    return this.all();
  }

  /** The same for all who ask at one moment: none of them is answered by a request that was sent before. */
  refetchCoalesced(): Promise<T[]> {
    this.#pendingRefetch ??= nextTurn().then(() => {
      this.#pendingRefetch = undefined;
      return this.refetch();
    });
    return this.#pendingRefetch;
  }

  invalidate(): void {
    this.#current = undefined;
  }

  /** An object was added or changed: this is what it is now. */
  put(item: T): void {
    this.#apply((items) => items.set(item.id, item));
  }

  /** An object was deleted. */
  remove(id: string): void {
    this.#apply((items) => items.delete(id));
  }

  /** A list that is still under way may be from before the change: it serves those who asked before, and nobody else. */
  #apply(change: (items: Map<string, T>) => void): void {
    if (this.#current?.resolved) change(this.#current.resolved);
    else this.invalidate();
  }

  #items(): Promise<Map<string, T>> {
    const current = this.#current;
    if (current && Date.now() < Math.min(current.idleExpiry, current.maxExpiry)) {
      if (current.resolved) current.idleExpiry = Date.now() + IDLE_TTL;
      return current.items;
    }
    const entry: Entry<T> = {
      items: this.#fetch().then((items) => new Map(items.map((item) => [item.id, item]))),
      idleExpiry: Number.POSITIVE_INFINITY,
      maxExpiry: Number.POSITIVE_INFINITY,
    };
    this.#current = entry;
    entry.items.then(
      (items) => {
        entry.resolved = items;
        entry.idleExpiry = Date.now() + IDLE_TTL;
        entry.maxExpiry = Date.now() + MAX_TTL;
      },
      // A failure is the business of those who asked together; the next one asks anew.
      () => {
        entry.idleExpiry = 0;
      },
    );
    return entry.items;
  }
}
