import { isKind } from "../errors";
import type { PendingCreates } from "../pendingCreates";
import { CreateRecovery } from "./createRecovery";
import { SharedList } from "./sharedList";

/** All objects of one kind in an account. */
export abstract class Collection<Item extends { id: string; name: string }> {
  protected readonly list: SharedList<Item>;
  protected readonly recovery: CreateRecovery<Item>;

  /** @param type of the resource */
  protected constructor(type: string, fetch: () => Promise<Item[]>, pendingCreates?: PendingCreates) {
    this.list = new SharedList(fetch);
    this.recovery = new CreateRecovery(type, this.list, pendingCreates);
  }

  all(): Promise<Item[]> {
    return this.list.all();
  }

  /** As {@link all}, but never from an answer of a moment ago. */
  refetchCoalesced(): Promise<Item[]> {
    return this.list.refetchCoalesced();
  }

  /** The object, or undefined when the account has none of this id. */
  async get(id: string): Promise<Item | undefined> {
    return (await this.list.get(id)) ?? this.getUncached(id);
  }

  /** The object as it is at this moment, never from an earlier answer; for decisions about deleting it. */
  abstract getUncached(id: string): Promise<Item | undefined>;

  /** Deletes the object and what it holds. Whether there was something to delete: false for one that the account does not have. */
  async delete(id: string): Promise<boolean> {
    try {
      await this.remove(id);
      this.list.remove(id);
      return true;
    } catch (error) {
      this.list.invalidate();
      if (isKind(error, "notFound")) return false;
      // What does not exist may also be answered with null, which by itself says nothing.
      if (isKind(error, "answer") && !(await this.getUncached(id))) return false;
      throw error;
    }
  }

  /** Sends the deletion. */
  protected abstract remove(id: string): Promise<unknown>;
}
