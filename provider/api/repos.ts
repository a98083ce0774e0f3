import { z } from "zod";
import { isKind } from "../errors";
import type { PendingCreates } from "../pendingCreates";
import { type RepoApiValues, repoSchema } from "../schema/repo";
import type { Client } from "./client";
import { Collection } from "./collection";
import type { CreateOutcome } from "./createRecovery";
import type { Keys } from "./keys";
import { deleted, flag, id, numberOr, oneToOne, optionalText, selectionOf } from "./responseTypes";

/** A repository, as the API holds it: sizes in MB, ids as sorted sets, unset texts as undefined. */
export type ApiRepo = z.output<typeof special> & RepoApiValues;

/** Fields that the API holds in another form than the declaration, or that are no argument. */
const special = z.object({
  id,
  quota: numberOr(0),
  quotaEnabled: flag,
  htpasswd: optionalText,
  lastModified: optionalText,
  currentUsage: numberOr(0),
  compactionEnabled: flag,
  compactionInterval: numberOr(0),
  compactionIntervalUnit: optionalText,
  compactionHour: numberOr(0),
  compactionHourTimezone: optionalText,
  repoPath: z.string().min(1),
  server: z
    .object({
      hostname: optionalText,
      region: optionalText,
      location: optionalText,
      fingerprintRsa: optionalText,
      fingerprintEcdsa: optionalText,
      fingerprintEd25519: optionalText,
    })
    .nullish()
    .transform((server) => server ?? undefined),
});

const declared = oneToOne(repoSchema.declarations(z));
const repo = z.object({ ...special.shape, ...declared.shape }) as unknown as z.ZodType<ApiRepo>;

/** The arguments of `repoAdd` and `repoEdit`, by the API's names. All are optional in an edit: what is left out stays. */
export type RepoMutationVars = Partial<Omit<RepoApiValues, "createdAt">> & {
  quota?: number;
  quotaEnabled?: boolean;
  compactionEnabled?: boolean;
  compactionInterval?: number;
  compactionIntervalUnit?: string;
  compactionHour?: number;
  compactionHourTimezone?: string;
};

const TYPES: Record<string, string> = {
  ...declared.types,
  quota: "Int",
  quotaEnabled: "Boolean",
  compactionEnabled: "Boolean",
  compactionInterval: "Int",
  compactionIntervalUnit: "String",
  compactionHour: "Int",
  compactionHourTimezone: "String",
};

const FIELDS = selectionOf(special.shape, declared.shape);
const LIST = `query { repoList { ${FIELDS} } }`;
const ONE = `query ($id: String!) { repo(repoId: $id) { ${FIELDS} } }`;
const REMOVE = "mutation ($id: String!) { repoDelete(id: $id) { ok } }";

/** A document that names only the arguments that are given: naming one without a value would unset it. */
function document(field: "repoAdd" | "repoEdit", answer: string, args: RepoMutationVars): string {
  const required = field === "repoAdd" ? ["name", "region"] : [];
  const names = Object.keys(args);
  const declared = names.map((name) => `$${name}: ${TYPES[name]}${required.includes(name) ? "!" : ""}`);
  const passed = names.map((name) => `${name}: $${name}`);
  if (field === "repoEdit") {
    declared.unshift("$id: String!");
    passed.unshift("id: $id");
  }
  return `mutation (${declared.join(", ")}) { ${field}(${passed.join(", ")}) { ${answer} { ${FIELDS} } } }`;
}

const KEY_LISTS = ["appendOnlyKeys", "fullAccessKeys", "rsyncKeys"] as const;

const created = z.object({ repoAdded: repo });
const asAnswer = (found: ApiRepo | undefined) => found && { repoAdded: found };

export class Repos extends Collection<ApiRepo> {
  constructor(
    private readonly client: Client,
    private readonly keys: Pick<Keys, "refetchCoalesced">,
    pendingCreates?: PendingCreates,
  ) {
    const list = { purpose: "list the repositories", field: "repoList", document: LIST, answer: z.array(repo) };
    super("Repo", () => client.query(list), pendingCreates);
  }

  /**
   * Asked for by its id, as a list may be cut short. A Create Only token may not ask: then the list has to know it, and
   * where it does not, the refusal is thrown.
   */
  async getUncached(id: string): Promise<ApiRepo | undefined> {
    try {
      const found = await this.client.query({
        purpose: `read the repository ${id}`,
        field: "repo",
        document: ONE,
        variables: { id },
        // Null is an answer; no such field at all, as in another service's JSON, is none.
        answer: repo.nullable(),
      });
      return found ?? undefined;
    } catch (error) {
      if (isKind(error, "notFound")) return undefined;
      if (!isKind(error, "permission")) throw error;
      const listed = (await this.refetchCoalesced()).find((item) => item.id === id);
      if (listed) return listed;
      throw error;
    }
  }

  /** @param origin which resource it is for */
  create(args: RepoMutationVars & { name: string; region: string }, origin?: string): Promise<CreateOutcome<ApiRepo>> {
    return this.recovery.run({
      origin,
      name: args.name,
      args,
      matches: matchesArgs,
      survivingArgs: (asked) => this.#withoutDeletedKeys(asked),
      isUnused: (item) => !(item.currentUsage > 0) && !item.lastModified,
      isAdoptable: (item) =>
        equalsIgnoringCase(args.region, item.region) && equalsIgnoringCase(args.format ?? item.format, item.format),
      discard: (item) => this.delete(item.id),
      send: async (find) => {
        const answer = await this.client.create(
          {
            purpose: `add the repository "${args.name}"`,
            field: "repoAdd",
            document: document("repoAdd", "repoAdded", args),
            variables: { ...args },
            answer: created,
          },
          async () => asAnswer(await find()),
        );
        return answer.repoAdded;
      },
    });
  }

  /** A key that is deleted is in no repository's lists any more. */
  async #withoutDeletedKeys<Args extends RepoMutationVars>(args: Args): Promise<Args> {
    const there = new Set((await this.keys.refetchCoalesced()).map(({ id }) => id));
    const surviving = KEY_LISTS.filter((name) => args[name]).map((name) => [
      name,
      args[name]?.filter((id) => there.has(id)),
    ]);
    return { ...args, ...Object.fromEntries(surviving) };
  }

  async update(id: string, changes: RepoMutationVars): Promise<ApiRepo> {
    try {
      const { repoEdited } = await this.client.mutate({
        purpose: `change the repository ${id}`,
        field: "repoEdit",
        document: document("repoEdit", "repoEdited", changes),
        variables: { id, ...changes },
        answer: z.object({ repoEdited: repo }),
      });
      this.list.put(repoEdited);
      return repoEdited;
    } catch (error) {
      this.list.invalidate();
      throw error;
    }
  }

  protected remove(id: string) {
    return this.client.mutate({
      purpose: `delete the repository ${id}`,
      field: "repoDelete",
      document: REMOVE,
      variables: { id },
      answer: deleted,
    });
  }
}

/** Whether a repository is just what an addition with these arguments makes. */
function matchesArgs(item: ApiRepo, args: RepoMutationVars): boolean {
  const { name, quota, ...others } = args;
  if (item.name !== name) return false;
  if (args.quotaEnabled && item.quota !== quota) return false;
  return Object.entries(others).every(([name, wanted]) => {
    const actual: unknown = item[name as keyof ApiRepo];
    return Array.isArray(wanted)
      ? JSON.stringify([...wanted].sort()) === JSON.stringify(actual)
      : equalsIgnoringCase(wanted, actual);
  });
}

function equalsIgnoringCase(a: unknown, b: unknown): boolean {
  return typeof a === "string" && typeof b === "string" ? a.toLowerCase() === b.toLowerCase() : a === b;
}
