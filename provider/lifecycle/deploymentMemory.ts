/** Arguments by name. */
type Properties = Record<string, unknown>;

/** An old object that the engine replaces without a `diff` that says so. */
export interface UnseenReplacement {
  /** Its id, where the engine has named it; a check is given none. */
  id?: string;
  /** Its arguments as of the last deployment, where the engine has shown them. */
  inputs?: Properties;
}

/** What is known of an object that is to be deleted. */
export interface Deletion {
  /** What the program says now of its resource; absent where it declares none of that name, or where no program runs. */
  wishes?: Properties;
  /** The object that is in its place. */
  successor?: string;
  /** An earlier run has replaced it, and it waits since for its deletion. */
  isLeftOver: boolean;
}

/** One resource of the program, by what the engine has asked of it so far. */
interface Remembered {
  wishes?: Properties;
  /** The old arguments of a check after which no diff has come: the engine then decides by itself. */
  undecided: Properties | undefined;
  /** Objects that a refresh has compared before the program ran; one, or those that wait for a deletion too. */
  refreshed: Set<string>;
  /** The object that the state had when the program ran, as a diff has named it. */
  standing?: string;
  /** What `create` has made in this run. */
  made?: string;
}

/**
 * What one run has shown of the program and the state. The engine tells a provider little at a time: the program's
 * arguments to check, the object's id to diff, the old outputs to delete. What one of them needs of another is here.
 * One for each account and process; a process serves one run.
 */
export class DeploymentMemory {
  readonly #accounts = new Set<string>();
  readonly #resources = new Map<string, Remembered>();
  /** Objects (`TYPE ID`) that stand for a resource of the program, and which one. */
  readonly #holders = new Map<string, string>();

  /** An object of the state belongs to this account. */
  meetAccount(account: string): void {
    this.#accounts.add(account);
  }

  /** Accounts that objects of the state belong to, as far as this run has met them. */
  get accounts(): ReadonlySet<string> {
    return this.#accounts;
  }

  /**
   * From now on the object is the resource's, and no other entry of the state may have it deleted.
   * @returns the other resource that has it already, if there is one: the object stays that one's
   */
  hold(type: string, object: string, origin: string | undefined): string | undefined {
    const key = `${type} ${object}`;
    const holder = this.#holders.get(key);
    const own = origin ?? "";
    if (holder === undefined) this.#holders.set(key, own);
    return holder === undefined || holder === own ? undefined : holder;
  }

  isHeld(type: string, object: string): boolean {
    return this.#holders.has(`${type} ${object}`);
  }

  /**
   * The program declares the resource.
   * @param olds its arguments in the state; absent where the engine shows none
   * @param wishes what the program says of its deletion
   * @returns what is replaced, where the engine has decided so by itself and lets it be known
   */
  checked(
    type: string,
    origin: string | undefined,
    olds: Properties | undefined,
    wishes: Properties,
  ): UnseenReplacement | undefined {
    if (origin === undefined) return undefined;
    const known = this.#of(type, origin);
    const { undecided, refreshed } = known;
    const isFirst = known.wishes === undefined;
    known.wishes = wishes;
    known.undecided = olds;
    if (olds) return undefined;
    // Of several, one waits for its deletion only, and nothing says which.
    const [id] = refreshed.size === 1 ? refreshed : [];
    if (undecided) return { inputs: undecided, ...(id !== undefined && { id }) };
    return isFirst && id !== undefined ? { id } : undefined;
  }

  /** The engine compares the object with the program, or in a refresh with the state. */
  diffed(type: string, origin: string | undefined, id: string): void {
    if (origin === undefined) return;
    const known = this.#of(type, origin);
    if (known.wishes === undefined) known.refreshed.add(id);
    else known.standing = id;
    known.undecided = undefined;
  }

  /** Whether the program has declared the resource in this run; a refresh compares before that. */
  isDeclared(type: string, origin: string | undefined): boolean {
    return origin !== undefined && this.#resources.get(`${type} ${origin}`)?.wishes !== undefined;
  }

  made(type: string, origin: string | undefined, id: string): void {
    if (origin !== undefined) this.#of(type, origin).made = id;
  }

  deletion(type: string, origin: string | undefined, id: string): Deletion {
    const { wishes, standing, made } = this.#resources.get(`${type} ${origin}`) ?? {};
    const isLeftOver = standing !== undefined && standing !== id;
    const successor = made ?? (isLeftOver ? standing : undefined);
    return { ...(wishes && { wishes }), ...(successor !== undefined && { successor }), isLeftOver };
  }

  #of(type: string, origin: string): Remembered {
    const key = `${type} ${origin}`;
    let known = this.#resources.get(key);
    if (!known) {
      known = { undecided: undefined, refreshed: new Set() };
      this.#resources.set(key, known);
    }
    return known;
  }
}
