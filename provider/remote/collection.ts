import { isKind } from "../errors";
import type { PendingCreates } from "../pendingCreates";
import { CreateRecovery } from "./createRecovery";
import { SharedList } from "./sharedList";

/** All objects of one type in an account. */
export abstract class Collection<Item extends { id: string; name: string }> {
  protected readonly list: SharedList<Item>;
  protected readonly recovery: CreateRecovery<Item>;

  /** @param type type of the resource */
  protected constructor(type: string, fetch: () => Promise<Item[]>, pendingCreates?: PendingCreates) {
    this.list = new SharedList(fetch);
    this.recovery = new CreateRecovery(type, this.list, pendingCreates);
  }

  all(): Promise<Item[]> {
    return this.list.all();
  }

  /** Requests the list for reads that follow. */
  prefetch(): void {
    this.list.prefetch();
  }

  /** As {@link all}, but never from the cache. Calls at the same time share one request. */
  refetchCoalesced(): Promise<Item[]> {
    return this.list.refetchCoalesced();
  }

  /** The object, or undefined where the account lacks it. May come from the cache. */
  async get(id: string): Promise<Item | undefined> {
    return (await this.list.get(id)) ?? this.getUncached(id);
  }

  /** The object, never from the cache: for decisions about its deletion. */
  abstract getUncached(id: string): Promise<Item | undefined>;

  /** Deletes the object and its contents. Returns false where the account lacks the object. */
  async delete(id: string): Promise<boolean> {
    try {
      await this.remove(id);
      this.list.remove(id);
      return true;
    } catch (error) {
      this.list.invalidate();
      if (isKind(error, "notFound")) return false;
      // Null answers both a missing object and a failed deletion.
      if (isKind(error, "answer") && !(await this.getUncached(id))) return false;
      throw error;
    }
  }

  /** Sends the delete request. */
  protected abstract remove(id: string): Promise<unknown>;
}
