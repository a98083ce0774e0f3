import { isKind, ProviderError } from "../errors";
import type { PendingCreates } from "../pendingCreates";
import type { SharedList } from "./sharedList";

/** A reason to keep the object, as a clause: "it opens …". Undefined: there is none. */
export type ReasonToKeep = (id: string) => Promise<string | undefined>;

/** A create, and how to recognise the object that it made. */
export interface CreateRequest<T, Args extends { name: string }> {
  /** Resource that the object is for. Absent: an interrupted run is not recovered. */
  origin: string | undefined;
  name: string;
  args: Args;
  /** Whether a create with these arguments makes exactly such an object. */
  matches(item: T, args: Args): boolean;
  /** Arguments of an earlier run without references to objects deleted since. Default: unchanged. */
  survivingArgs?(args: Args): Promise<Args>;
  /** Whether the object contains no data, so that nothing is lost with it. */
  isUnused(item: T): boolean;
  /** Whether an update can turn the object into the requested one. */
  isAdoptable(item: T): boolean;
  /** Why an orphan that cannot be adopted must not be discarded. Default: no reason. */
  reasonToKeep?: ReasonToKeep | undefined;
  /** Deletes an orphan that cannot be adopted. */
  discard(item: T): Promise<unknown>;
  /**
   * Sends the create; `find` looks up its object after a lost answer.
   * @param wasSent whether an interrupted run may have sent it already
   */
  send(find: () => Promise<T | undefined>, wasSent: boolean): Promise<T>;
}

export interface CreateOutcome<T> {
  item: T;
  /** Whether an interrupted run made the object. It may need an update, as the program may have changed since. */
  recovered: boolean;
  /**
   * Ids of older unused objects with the same arguments, known neither from the state nor from a pending create.
   * An interrupted run on another machine may have left them. Nothing proves it, so they are only reported.
   */
  possibleDuplicates: string[];
  /** An orphan that stays. The state may contain it, as a replacement by the engine asks for a create too. */
  kept?: { id: string; reason: string };
}

/**
 * Creates an object once, although the answer may be lost. BorgBase has no idempotency key and allows equal names. The
 * object of a lost answer is new in this process, matches the arguments, and answers no other create.
 * The object of an interrupted run is found through its pending create.
 *
 *     record pending ── answer ──────────── record id ── state shows the id ── resolved
 *                   ├─ lost answer ─ look up ── found: as an answer; else send again
 *                   ├─ sure failure ──────────────────────────────────────── resolved
 *                   └─ killed, no answer ── next run: findOrphan ── adopt, or discard and create
 */
export class CreateRecovery<T extends { id: string; name: string }> {
  readonly #kind: string;
  readonly #list: SharedList<T>;
  readonly #pendingCreates: PendingCreates | undefined;
  readonly #assignedIds = new Set<string>();
  /** Ids of the baseline and of all creates since, by name. */
  readonly #idsByName = new Map<string, string[]>();
  readonly #queueByName = new Map<string, Promise<unknown>>();
  #baseline: Promise<Map<string, T>> | undefined;

  /** @param kind type of the resource */
  constructor(kind: string, list: SharedList<T>, pendingCreates?: PendingCreates) {
    this.#kind = kind;
    this.#list = list;
    this.#pendingCreates = pendingCreates;
  }

  /**
   * Creates the object, or adopts the one of an interrupted run. Creates of one name run one after the other: two equal
   * ones at once would be indistinguishable.
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
    const kept = orphan && (await this.#keepOrDiscard(request, orphan));
    const earlier = request.origin && this.#pendingCreates?.find(this.#kind, request.origin);
    const wasSent = earlier !== undefined && earlier !== "" && earlier.id === undefined;
    this.#record(request);
    let outcomeUnknown = false;
    try {
      const created = await request.send(async () => {
        outcomeUnknown = true;
        return this.#findUnique(request, request.args, (item) => !baseline.has(item.id));
      }, wasSent);
      this.#assign(request, created.id);
      this.#list.put(created);
      const possibleDuplicates = this.#possibleDuplicates(request, baseline);
      return { item: created, recovered: false, possibleDuplicates, ...(kept && { kept }) };
    } catch (error) {
      this.#list.invalidate();
      // Without a usable answer the object may exist: the pending create stays for the next run.
      outcomeUnknown ||= isKind(error, "unavailable", "answer");
      if (request.origin && !outcomeUnknown) this.#pendingCreates?.resolve(this.#kind, request.origin);
      throw error;
    }
  }

  async #keepOrDiscard<Args extends { name: string }>(
    { reasonToKeep, discard }: CreateRequest<T, Args>,
    orphan: T,
  ): Promise<CreateOutcome<T>["kept"]> {
    const reason = await reasonToKeep?.(orphan.id);
    if (reason !== undefined) return { id: orphan.id, reason };
    await discard(orphan);
    return undefined;
  }

  /** The object that an interrupted run made for this resource. The state lacks it, as the engine asks for a create. */
  async #findOrphan<Args extends { name: string }>(request: CreateRequest<T, Args>): Promise<T | undefined> {
    const pending = request.origin && this.#pendingCreates?.find(this.#kind, request.origin);
    if (!pending) return undefined;
    if (pending.id === undefined) {
      const isNew = ({ id }: T) =>
        !pending.before.includes(id) && !this.#pendingCreates?.isAccountedFor(this.#kind, id);
      const args = pending.args as Args;
      return this.#findUnique(request, (await request.survivingArgs?.(args)) ?? args, isNew);
    }
    // The id alone identifies it: another interrupted run may have updated the object.
    return (await this.#list.refetch()).find(
      (item) => item.id === pending.id && !this.#assignedIds.has(item.id) && request.isUnused(item),
    );
  }

  /**
   * The object of a create without an answer, or undefined.
   * @throws `refused` where several match
   */
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

  /** Assigns the object to the request, and thereby to no other one. */
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
