import type { PendingCreates } from "../pendingCreates";

/** Arguments by name. */
type Properties = Record<string, unknown>;

/** A replacement that the engine decides by itself, so that no diff announces it. */
export interface EngineReplacement {
  /** Id of the old object, where a refresh has named it; a check gets none. */
  id?: string;
  /** Arguments of the last deployment, where the engine has passed them. */
  inputs?: Properties;
  /** Arguments that differ, where a diff has found no reason for a replacement: an option of the program makes it one. */
  changed?: readonly string[];
}

/** What this run has shown about an object that is to be deleted. */
export interface DeletionFacts {
  /** Deletion settings of the program's resource. Absent: the program declares none of that name, or does not run. */
  settings?: Properties;
  /** Id of the object that replaces it. */
  replacedBy?: string;
  /** Arguments of the object that replaces it and does not exist yet: `deleteBeforeReplace`. */
  successor?: Properties;
  /** Whether an earlier run replaced it and left it pending deletion. */
  isPendingDelete: boolean;
}

/** One resource of the program, as the engine's calls have shown it. */
interface SeenResource {
  settings?: Properties;
  /** Old arguments of a check that no diff has followed: the engine then decides by itself. */
  inputsAwaitingDiff: Properties | undefined;
  /** Ids that a refresh has compared before the program ran. Several: the others are pending deletion. */
  refreshedIds: Set<string>;
  /** Id in the state while the program runs, from a diff. */
  currentId?: string;
  /** The object that stays as far as a diff has shown. */
  keptByDiff?: { object: string; replacement: EngineReplacement } | undefined;
  /** Arguments of a check without old ones: a create follows. */
  toCreate?: Properties | undefined;
  /** Id that `create` returned in this run. */
  createdId?: string;
}

/**
 * What one run has shown of program and state. The engine passes a provider only parts: the program's arguments to
 * check, the id to diff, the old outputs to delete. A call that needs a part of another call finds it here.
 * One per account and process; a process serves one run.
 */
export class DeploymentMemory {
  readonly #accounts = new Set<string>();
  readonly #resources = new Map<string, SeenResource>();
  /** Resource of the program by its object, `TYPE OBJECT`. */
  readonly #assignments = new Map<string, string>();

  /** Objects whose arguments a deletion makes unknown, `TYPE ID`. */
  readonly #dependents = new Set<string>();

  /** Deletions that wait for changes of other resources. */
  readonly #deferred = new Set<() => Promise<boolean>>();

  /** @param pendingCreates creates that end as soon as the state shows their objects */
  constructor(private readonly pendingCreates?: Pick<PendingCreates, "resolveByObject">) {}

  /** Accounts that own the objects of the state, as far as this run has seen them. */
  get accounts(): ReadonlySet<string> {
    return this.#accounts;
  }

  /**
   * Assigns the object to the resource: no other entry of the state may delete it in this run.
   * @returns the other resource that already has the object; the assignment then stays
   */
  assign(type: string, object: string, origin = ""): string | undefined {
    const key = `${type} ${object}`;
    const assigned = this.#assignments.get(key);
    if (assigned === undefined) this.#assignments.set(key, origin);
    return assigned === origin ? undefined : assigned;
  }

  isAssigned(type: string, object: string): boolean {
    return this.#assignments.has(`${type} ${object}`);
  }

  /**
   * The program declares the resource.
   * @param olds its arguments in the state; absent where the engine passes none
   * @param settings the program's arguments that steer a deletion
   * @param inputs all of the program's arguments
   * @returns the replacement that the engine has decided by itself, where the calls so far reveal one
   */
  recordCheck(
    type: string,
    origin: string | undefined,
    olds: Properties | undefined,
    settings: Properties,
    inputs: Properties = {},
  ): EngineReplacement | undefined {
    if (origin === undefined) return undefined;
    const resource = this.#resource(type, origin);
    const { inputsAwaitingDiff, refreshedIds, keptByDiff } = resource;
    const isFirst = resource.settings === undefined;
    // A check without old arguments does not show what the program has removed: the one before it did.
    resource.settings = olds ? settings : { ...resource.settings, ...settings };
    resource.inputsAwaitingDiff = olds;
    resource.keptByDiff = undefined;
    resource.toCreate = olds ? undefined : inputs;
    if (olds) return undefined;
    if (keptByDiff) {
      // It does not stay: an option of the program turns the change into a replacement.
      const key = `${type} ${keptByDiff.object}`;
      if (this.#assignments.get(key) === origin) this.#assignments.delete(key);
      return keptByDiff.replacement;
    }
    // Of several ids, only one is not pending deletion, and no call reveals which.
    const [id] = refreshedIds.size === 1 ? refreshedIds : [];
    if (inputsAwaitingDiff) return { inputs: inputsAwaitingDiff, ...(id !== undefined && { id }) };
    return isFirst && id !== undefined ? { id } : undefined;
  }

  /**
   * The state has the object: the engine compares it with the program, or in a refresh with the remote.
   * @param account owner of the object, where the state records it
   */
  recordDiff(type: string, origin: string | undefined, id: string, account: unknown): void {
    if (typeof account === "string") this.#accounts.add(account);
    this.pendingCreates?.resolveByObject(type, id);
    if (origin === undefined) return;
    const resource = this.#resource(type, origin);
    if (resource.settings === undefined) resource.refreshedIds.add(id);
    else resource.currentId = id;
    resource.inputsAwaitingDiff = undefined;
  }

  /**
   * A diff with unknown arguments. In a deployment the engine sends it for each object that depends on one to be deleted
   * before its replacement exists (pulumi/pulumi, `step_generator.go`, `calculateDependentReplacements`).
   */
  recordDependent(type: string, id: string): void {
    this.#dependents.add(`${type} ${id}`);
  }

  /** Whether the object depends on one that the engine deletes before its replacement exists. */
  isDependent(type: string, id: string): boolean {
    return this.#dependents.has(`${type} ${id}`);
  }

  /** A diff asks for no replacement. Where a check of a new resource follows all the same, the engine has decided so. */
  recordKept(type: string, origin: string | undefined, object: string, replacement: EngineReplacement): void {
    if (origin !== undefined) this.#resource(type, origin).keptByDiff = { object, replacement };
  }

  /** States of the program's resources of a type that stay as they are, as far as diffs have shown. */
  keptStates(type: string): Properties[] {
    return [...this.#resources].flatMap(([key, { keptByDiff }]) =>
      key.startsWith(`${type} `) && keptByDiff?.replacement.inputs ? [keptByDiff.replacement.inputs] : [],
    );
  }

  /** Deletion settings that the program declares in this run, the removed ones as their defaults. */
  deletionSettings(type: string, origin: string | undefined): Properties | undefined {
    return this.#resources.get(`${type} ${origin}`)?.settings;
  }

  /** Whether the program has declared the resource in this run. A refresh compares before that. */
  isDeclared(type: string, origin: string | undefined): boolean {
    return origin !== undefined && this.#resources.get(`${type} ${origin}`)?.settings !== undefined;
  }

  recordCreate(type: string, origin: string | undefined, id: string): void {
    if (origin !== undefined) this.#resource(type, origin).createdId = id;
  }

  /** @param attempt deletes an orphan once nothing uses it any more; returns whether it is done */
  defer(attempt: () => Promise<boolean>): void {
    this.#deferred.add(attempt);
  }

  /** After each change. An orphan that cannot be deleted stays, and fails no change. */
  async retryDeferred(): Promise<void> {
    for (const attempt of this.#deferred) {
      if (await attempt().catch(() => false)) this.#deferred.delete(attempt);
    }
  }

  recordDelete(type: string, id: string): void {
    this.pendingCreates?.resolveByObject(type, id);
  }

  deletionOf(type: string, origin: string | undefined, id: string): DeletionFacts {
    const { settings, currentId, createdId, toCreate } = this.#resources.get(`${type} ${origin}`) ?? {};
    const isPendingDelete = currentId !== undefined && currentId !== id;
    const replacedBy = createdId ?? (isPendingDelete ? currentId : undefined);
    const successor = replacedBy === undefined ? toCreate : undefined;
    return {
      ...(settings && { settings }),
      ...(replacedBy !== undefined && { replacedBy }),
      ...(successor && { successor }),
      isPendingDelete,
    };
  }

  #resource(type: string, origin: string): SeenResource {
    const key = `${type} ${origin}`;
    let resource = this.#resources.get(key);
    if (!resource) {
      resource = { inputsAwaitingDiff: undefined, refreshedIds: new Set() };
      this.#resources.set(key, resource);
    }
    return resource;
  }
}
