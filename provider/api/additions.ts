import type { SharedList } from "./list";

/**
 * Additions whose answer may be lost. BorgBase takes no idempotency key and allows equal names, so what a lost request
 * made is told by: not there before this process added anything, not the answer to another addition, and just as asked.
 */
export class Additions<T extends { id: string }> {
  readonly #list: SharedList<T>;
  readonly #claimed = new Set<string>();
  readonly #last = new Map<string, Promise<unknown>>();
  #before: Promise<Set<string>> | undefined;

  constructor(list: SharedList<T>) {
    this.#list = list;
  }

  /**
   * Runs `send`, which is handed the look-up for a lost answer. Additions of one name wait for each other: of two equal
   * ones under way at once, nobody could tell whose the one that is found was.
   */
  async run(
    name: string,
    isAsAsked: (item: T) => boolean,
    send: (find: () => Promise<T | undefined>) => Promise<T>,
  ): Promise<T> {
    const turn = (this.#last.get(name) ?? Promise.resolve()).then(() => this.#run(isAsAsked, send));
    this.#last.set(
      name,
      turn.catch(() => undefined),
    );
    return turn;
  }

  async #run(isAsAsked: (item: T) => boolean, send: (find: () => Promise<T | undefined>) => Promise<T>): Promise<T> {
    const before = await this.#idsBefore();
    const find = async () =>
      (await this.#list.fresh()).find((item) => !before.has(item.id) && !this.#claimed.has(item.id) && isAsAsked(item));
    try {
      const added = await send(find);
      this.#claimed.add(added.id);
      this.#list.put(added);
      return added;
    } catch (error) {
      this.#list.forget();
      throw error;
    }
  }

  async #idsBefore(): Promise<Set<string>> {
    this.#before ??= this.#list.all().then((items) => new Set(items.map((item) => item.id)));
    try {
      return await this.#before;
    } catch (error) {
      this.#before = undefined;
      throw error;
    }
  }
}
