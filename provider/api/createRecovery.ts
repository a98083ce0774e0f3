import { isKind, ProviderError } from "../errors";
import type { PendingCreates } from "../pendingCreates";
import type { SharedList } from "./sharedList";

/** One addition: what is asked for, and how to tell that an object is what became of it. */
export interface CreateRequest<T, Args extends { name: string }> {
  /** Which resource it is for; absent where nobody can tell, and then an interrupted run is not remembered. */
  origin: string | undefined;
  name: string;
  args: Args;
  /** Whether an object is just what an addition with these arguments makes. */
  matches(item: T, args: Args): boolean;
  /** What is left today of arguments of an earlier run: what they name may be deleted since. Default: all. */
  survivingArgs?(args: Args): Promise<Args>;
  /** Whether nothing is lost when the object is: it holds no data. */
  isUnused(item: T): boolean;
  /** Whether the object can be made what is asked for. */
  isAdoptable(item: T): boolean;
  /** Deletes it. */
  discard(item: T): Promise<unknown>;
  /** Sends it; `find` is the look-up for a lost answer. */
  send(find: () => Promise<T | undefined>): Promise<T>;
}

export interface CreateOutcome<T> {
  item: T;
  /** An interrupted run made it, perhaps for an older version of the program: it may need a change. */
  recovered: boolean;
  /**
   * Ids of unused objects just like it that were there before, and that neither the state nor the journal has shown so far.
   * An interrupted run on another machine may have left them: nobody can tell, so nothing is done with them.
   */
  possibleDuplicates: string[];
}

/**
 * Additions whose answer may be lost. BorgBase takes no idempotency key and allows equal names, so what a lost request
 * made is told by: not there before this process added anything, not the answer to another addition, and just as asked.
 * What an interrupted run made is told by the journal.
 */
export class CreateRecovery<T extends { id: string; name: string }> {
  readonly #kind: string;
  readonly #list: SharedList<T>;
  readonly #pendingCreates: PendingCreates | undefined;
  readonly #assignedIds = new Set<string>();
  /** Ids by name: of what was there before, and of what additions became since. */
  readonly #idsByName = new Map<string, string[]>();
  readonly #queueByName = new Map<string, Promise<unknown>>();
  #baseline: Promise<Map<string, T>> | undefined;

  /** @param kind the type of the resource */
  constructor(kind: string, list: SharedList<T>, pendingCreates?: PendingCreates) {
    this.#kind = kind;
    this.#list = list;
    this.#pendingCreates = pendingCreates;
  }

  /**
   * The object that the request became. Additions of one name wait for each other: of two equal ones under way at once,
   * nobody could tell whose the one that is found was.
   */
  run<Args extends { name: string }>(request: CreateRequest<T, Args>): Promise<CreateOutcome<T>> {
    const outcome = (this.#queueByName.get(request.name) ?? Promise.resolve()).then(() => this.#run(request));
    this.#queueByName.set(
      request.name,
      outcome.catch(() => undefined),
    );
    return outcome;
  }

  async #run<Args extends { name: string }>(request: CreateRequest<T, Args>): Promise<CreateOutcome<T>> {
    const baseline = await this.#loadBaseline();
    const orphan = await this.#findOrphan(request);
    if (orphan && request.isAdoptable(orphan)) {
      this.#assign(request, orphan.id);
      return { item: orphan, recovered: true, possibleDuplicates: [] };
    }
    if (orphan) await request.discard(orphan);
    this.#record(request);
    let outcomeUnknown = false;
    try {
      const created = await request.send(async () => {
        outcomeUnknown = true;
        return this.#findUnique(request, request.args, (item) => !baseline.has(item.id));
      });
      this.#assign(request, created.id);
      this.#list.put(created);
      return { item: created, recovered: false, possibleDuplicates: this.#possibleDuplicates(request, baseline) };
    } catch (error) {
      this.#list.invalidate();
      // Without a usable answer it may have been made all the same: the next run looks.
      outcomeUnknown ||= isKind(error, "unavailable", "answer");
      if (request.origin && !outcomeUnknown) this.#pendingCreates?.resolve(this.#kind, request.origin);
      throw error;
    }
  }

  /** The engine asks for it, so its state does not know it; what the journal names was made for this very resource. */
  async #findOrphan<Args extends { name: string }>(request: CreateRequest<T, Args>): Promise<T | undefined> {
    const pending = request.origin && this.#pendingCreates?.find(this.#kind, request.origin);
    if (!pending) return undefined;
    if (pending.id === undefined) {
      const isNew = ({ id }: T) =>
        !pending.before.includes(id) && !this.#pendingCreates?.isAccountedFor(this.#kind, id);
      const args = pending.args as Args;
      return this.#findUnique(request, (await request.survivingArgs?.(args)) ?? args, isNew);
    }
    // It is known by its id, so a run that was interrupted again may have changed it.
    return (await this.#list.refetch()).find(
      (item) => item.id === pending.id && !this.#assignedIds.has(item.id) && request.isUnused(item),
    );
  }

  /** What a request became whose answer nobody saw. */
  async #findUnique<Args extends { name: string }>(
    request: CreateRequest<T, Args>,
    args: Args,
    isNew: (item: T) => boolean,
  ): Promise<T | undefined> {
    const found = (await this.#list.refetch()).filter(
      (item) => isNew(item) && !this.#assignedIds.has(item.id) && request.isUnused(item) && request.matches(item, args),
    );
    if (found.length <= 1) return found[0];
    throw new ProviderError(
      "refused",
      `"${request.name}" may have been added already, by a request without an answer, and ${found.length} unused ones look like it: ` +
        `${found.map((item) => item.id).join(", ")}. Take over the right one with existingId, and delete the others.`,
    );
  }

  /** The object is what became of the request, so of no other one. */
  #assign<Args extends { name: string }>(request: CreateRequest<T, Args>, id: string): void {
    this.#assignedIds.add(id);
    this.#addId(request.name, id);
    this.#record(request, id);
    this.#pendingCreates?.markNotOurs(this.#kind, request.name, id);
  }

  #record<Args extends { name: string }>({ origin, name, args }: CreateRequest<T, Args>, id?: string): void {
    if (!origin) return;
    const entry = { origin, kind: this.#kind, args };
    const before = [...(this.#idsByName.get(name) ?? [])];
    this.#pendingCreates?.record(id === undefined ? { ...entry, before } : { ...entry, before: [], id });
  }

  #addId(name: string, id: string): void {
    const ids = this.#idsByName.get(name);
    if (ids) ids.push(id);
    else this.#idsByName.set(name, [id]);
  }

  #possibleDuplicates<Args extends { name: string }>(
    request: CreateRequest<T, Args>,
    baseline: Map<string, T>,
  ): string[] {
    return (this.#idsByName.get(request.name) ?? []).filter((id) => {
      const item = baseline.get(id);
      const isAccountedFor = this.#assignedIds.has(id) || this.#pendingCreates?.isAccountedFor(this.#kind, id);
      return item && !isAccountedFor && request.isUnused(item) && request.matches(item, request.args);
    });
  }

  async #loadBaseline(): Promise<Map<string, T>> {
    this.#baseline ??= this.#list.all().then((items) => {
      for (const { name, id } of items) this.#addId(name, id);
      return new Map(items.map((item) => [item.id, item]));
    });
    try {
      return await this.#baseline;
    } catch (error) {
      this.#baseline = undefined;
      throw error;
    }
  }
}
