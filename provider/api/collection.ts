import { isKind } from "../errors";
import type { Journal } from "../journal";
import { Additions } from "./additions";
import { SharedList } from "./list";

/** All objects of one kind in an account. */
export abstract class Collection<Item extends { id: string; name: string }> {
  protected readonly list: SharedList<Item>;
  protected readonly additions: Additions<Item>;

  /** @param type of the resource */
  protected constructor(type: string, fetch: () => Promise<Item[]>, journal?: Journal) {
    this.list = new SharedList(fetch);
    this.additions = new Additions(type, this.list, journal);
  }

  all(): Promise<Item[]> {
    return this.list.all();
  }

  /** As {@link all}, but never from an answer of a moment ago. */
  latest(): Promise<Item[]> {
    return this.list.latest();
  }

  /** The object, or undefined when the account has none of this id. */
  async get(id: string): Promise<Item | undefined> {
    return (await this.list.get(id)) ?? this.current(id);
  }

  /** The object as it is at this moment, never from an earlier answer; for decisions about deleting it. */
  abstract current(id: string): Promise<Item | undefined>;

  /** Deletes the object and what it holds. Whether there was something to delete: false for one that the account does not have. */
  async delete(id: string): Promise<boolean> {
    try {
      await this.remove(id);
      this.list.drop(id);
      return true;
    } catch (error) {
      this.list.forget();
      if (isKind(error, "notFound")) return false;
      // What does not exist may also be answered with null, which by itself says nothing.
      if (isKind(error, "answer") && !(await this.current(id))) return false;
      throw error;
    }
  }

  /** Sends the deletion. */
  protected abstract remove(id: string): Promise<unknown>;
}
