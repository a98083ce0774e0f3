import { setImmediate as nextTurn } from "node:timers/promises";

/** The cache expires this long after the last read. Milliseconds. */
const IDLE_TTL = 5_000;
/** Maximum age of the cache. A refresh of a thousand resources takes about 20 s on a busy machine. Milliseconds. */
const MAX_TTL = 30_000;

interface Entry<T> {
  items: Promise<Map<string, T>>;
  /** The items, once the request has ended. */
  resolved?: Map<string, T>;
  /** Time of expiry unless a read comes first. */
  idleExpiry: number;
  /** Latest time of expiry. */
  maxExpiry: number;
}

/**
 * Single-flight cache of a list query. The engine reads a thousand resources one by one; their reads share one request.
 * Changes of this process update the cache, so that no later read returns an older value.
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

  /** Fills the cache before the first read. A failure is that read's to report. */
  prefetch(): void {
    this.#items().catch(() => {});
  }

  /** Sends a new request, whatever the cache contains. */
  refetch(): Promise<T[]> {
    this.invalidate();
    return this.all();
  }

  /** As {@link refetch}, with one request for all calls of the same turn of the event loop. */
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

  /** Stores a created or updated object. */
  put(item: T): void {
    this.#apply((items) => items.set(item.id, item));
  }

  /** Removes a deleted object. */
  remove(id: string): void {
    this.#apply((items) => items.delete(id));
  }

  /** A request in flight may return data from before the change: only reads from before may use it. */
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
      // Only the reads in flight fail; the next read sends a new request.
      () => {
        entry.idleExpiry = 0;
      },
    );
    return entry.items;
  }
}
