/** Milliseconds for which one answer serves further reads: the length of a burst, not of a run. */
const FRESH = 5_000;

/**
 * One list query for all reads that are asked for together. The engine reads a thousand resources one by one; each
 * shares the list that is under way or has just come. A change of the same process makes it forget, so nobody is
 * answered from before a change that had already ended.
 */
export class SharedList<T extends { id: string }> {
  #fetch: () => Promise<T[]>;
  #current: { items: Promise<Map<string, T>>; until: number } | undefined;

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
  fresh(): Promise<T[]> {
    this.forget();
    return this.all();
  }

  forget(): void {
    this.#current = undefined;
  }

  #items(): Promise<Map<string, T>> {
    if (this.#current && Date.now() < this.#current.until) return this.#current.items;
    const entry = {
      items: this.#fetch().then((items) => new Map(items.map((item) => [item.id, item]))),
      until: Number.POSITIVE_INFINITY,
    };
    this.#current = entry;
    entry.items.then(
      () => {
        entry.until = Date.now() + FRESH;
      },
      // A failure is the business of those who asked together; the next one asks anew.
      () => {
        entry.until = 0;
      },
    );
    return entry.items;
  }
}
