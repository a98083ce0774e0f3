import { isKind, ProviderError } from "../errors";
import type { Journal } from "../journal";
import type { SharedList } from "./list";

/** One addition: what is asked for, and how to tell that an object is what became of it. */
export interface AdditionRequest<T, Args extends { name: string }> {
  /** Which resource it is for; absent where nobody can tell, and then an interrupted run is not remembered. */
  origin: string | undefined;
  name: string;
  args: Args;
  /** Whether an object is just what an addition with these arguments makes. */
  isAsAsked(item: T, args: Args): boolean;
  /** What is left today of arguments of an earlier run: what they name may be deleted since. Default: all. */
  remaining?(args: Args): Promise<Args>;
  /** Whether nothing is lost when the object is: it holds no data. */
  isUnused(item: T): boolean;
  /** Whether the object can be made what is asked for. */
  canBecome(item: T): boolean;
  /** Deletes it. */
  discard(item: T): Promise<unknown>;
  /** Sends it; `find` is the look-up for a lost answer. */
  send(find: () => Promise<T | undefined>): Promise<T>;
}

export interface Added<T> {
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
export class Additions<T extends { id: string; name: string }> {
  readonly #kind: string;
  readonly #list: SharedList<T>;
  readonly #journal: Journal | undefined;
  readonly #claimed = new Set<string>();
  /** Ids by name: of what was there before, and of what additions became since. */
  readonly #seen = new Map<string, string[]>();
  readonly #last = new Map<string, Promise<unknown>>();
  #before: Promise<Map<string, T>> | undefined;

  /** @param kind the type of the resource */
  constructor(kind: string, list: SharedList<T>, journal?: Journal) {
    this.#kind = kind;
    this.#list = list;
    this.#journal = journal;
  }

  /**
   * The object that the request became. Additions of one name wait for each other: of two equal ones under way at once,
   * nobody could tell whose the one that is found was.
   */
  run<Args extends { name: string }>(request: AdditionRequest<T, Args>): Promise<Added<T>> {
    const turn = (this.#last.get(request.name) ?? Promise.resolve()).then(() => this.#run(request));
    this.#last.set(
      request.name,
      turn.catch(() => undefined),
    );
    return turn;
  }

  async #run<Args extends { name: string }>(request: AdditionRequest<T, Args>): Promise<Added<T>> {
    const before = await this.#itemsBefore();
    const left = await this.#leftByInterruptedRun(request);
    if (left && request.canBecome(left)) {
      this.#claim(request, left.id);
      return { item: left, recovered: true, possibleDuplicates: [] };
    }
    if (left) await request.discard(left);
    this.#note(request);
    let maybeDone = false;
    try {
      const added = await request.send(async () => {
        maybeDone = true;
        return this.#onlyOne(request, request.args, (item) => !before.has(item.id));
      });
      this.#claim(request, added.id);
      this.#list.put(added);
      return { item: added, recovered: false, possibleDuplicates: this.#possibleDuplicates(request, before) };
    } catch (error) {
      this.#list.forget();
      // Without a usable answer it may have been made all the same: the next run looks.
      maybeDone ||= isKind(error, "unavailable", "answer");
      if (request.origin && !maybeDone) this.#journal?.settle(this.#kind, request.origin);
      throw error;
    }
  }

  /** The engine asks for it, so its state does not know it; what the journal names was made for this very resource. */
  async #leftByInterruptedRun<Args extends { name: string }>(
    request: AdditionRequest<T, Args>,
  ): Promise<T | undefined> {
    const noted = request.origin && this.#journal?.find(this.#kind, request.origin);
    if (!noted) return undefined;
    if (noted.id === undefined) {
      const isNew = ({ id }: T) => !noted.before.includes(id) && !this.#journal?.knows(this.#kind, id);
      const args = noted.args as Args;
      return this.#onlyOne(request, (await request.remaining?.(args)) ?? args, isNew);
    }
    // It is known by its id, so a run that was interrupted again may have changed it.
    return (await this.#list.fresh()).find(
      (item) => item.id === noted.id && !this.#claimed.has(item.id) && request.isUnused(item),
    );
  }

  /** What a request became whose answer nobody saw. */
  async #onlyOne<Args extends { name: string }>(
    request: AdditionRequest<T, Args>,
    args: Args,
    isNew: (item: T) => boolean,
  ): Promise<T | undefined> {
    const found = (await this.#list.fresh()).filter(
      (item) => isNew(item) && !this.#claimed.has(item.id) && request.isUnused(item) && request.isAsAsked(item, args),
    );
    if (found.length <= 1) return found[0];
    throw new ProviderError(
      "refused",
      `"${request.name}" may have been added already, by a request without an answer, and ${found.length} unused ones look like it: ` +
        `${found.map((item) => item.id).join(", ")}. Take over the right one with existingId, and delete the others.`,
    );
  }

  /** The object is what became of the request, so of no other one. */
  #claim<Args extends { name: string }>(request: AdditionRequest<T, Args>, id: string): void {
    this.#claimed.add(id);
    this.#see(request.name, id);
    this.#note(request, id);
    this.#journal?.exclude(this.#kind, request.name, id);
  }

  #note<Args extends { name: string }>({ origin, name, args }: AdditionRequest<T, Args>, id?: string): void {
    if (!origin) return;
    const entry = { origin, kind: this.#kind, args };
    const before = [...(this.#seen.get(name) ?? [])];
    this.#journal?.write(id === undefined ? { ...entry, before } : { ...entry, before: [], id });
  }

  #see(name: string, id: string): void {
    const ids = this.#seen.get(name);
    if (ids) ids.push(id);
    else this.#seen.set(name, [id]);
  }

  #possibleDuplicates<Args extends { name: string }>(
    request: AdditionRequest<T, Args>,
    before: Map<string, T>,
  ): string[] {
    return (this.#seen.get(request.name) ?? []).filter((id) => {
      const item = before.get(id);
      const isKnown = this.#claimed.has(id) || this.#journal?.knows(this.#kind, id);
      return item && !isKnown && request.isUnused(item) && request.isAsAsked(item, request.args);
    });
  }

  async #itemsBefore(): Promise<Map<string, T>> {
    this.#before ??= this.#list.all().then((items) => {
      for (const { name, id } of items) this.#see(name, id);
      return new Map(items.map((item) => [item.id, item]));
    });
    try {
      return await this.#before;
    } catch (error) {
      this.#before = undefined;
      throw error;
    }
  }
}
