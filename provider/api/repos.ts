import { z } from "zod";
import { isKind } from "../errors";
import type { PendingCreates } from "../pendingCreates";
import { Collection } from "../remote/collection";
import type { CreateOutcome, ReasonToKeep } from "../remote/createRecovery";
import { flag, id, numberOr, optionalText } from "../remote/readers";
import { type RepoApiValues, repoSchema } from "../schema/repo";
import type { Client } from "./client";
import type { Keys } from "./keys";
import { deleted, oneToOne, selectionOf } from "./responseTypes";

/** A repository in the form of the API: sizes in MB, ids as sorted sets, unset texts as undefined. */
export type ApiRepo = z.output<typeof special> & RepoApiValues;

/** Fields whose form in the API differs from the declaration, and fields that are no argument. */
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

const mapped = oneToOne(repoSchema.declarations(z));
const repo = z.object({ ...special.shape, ...mapped.shape }) as unknown as z.ZodType<ApiRepo>;

/** Variables of `repoAdd` and `repoEdit`, by the API's names. `repoEdit` leaves unset ones unchanged. */
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
  ...mapped.types,
  quota: "Int",
  quotaEnabled: "Boolean",
  compactionEnabled: "Boolean",
  compactionInterval: "Int",
  compactionIntervalUnit: "String",
  compactionHour: "Int",
  compactionHourTimezone: "String",
};

const FIELDS = selectionOf(special.shape, mapped.shape);
const LIST = `query { repoList { ${FIELDS} } }`;
const ONE = `query ($id: String!) { repo(repoId: $id) { ${FIELDS} } }`;
const REMOVE = "mutation ($id: String!) { repoDelete(id: $id) { ok } }";

/** A document with the given arguments only: the API unsets an argument without a value. */
function document(field: "repoAdd" | "repoEdit", answer: string, args: RepoMutationVars): string {
  const required = field === "repoAdd" ? ["name", "region"] : [];
  const names = Object.keys(args);
  const variables = names.map((name) => `$${name}: ${TYPES[name]}${required.includes(name) ? "!" : ""}`);
  const passed = names.map((name) => `${name}: $${name}`);
  if (field === "repoEdit") {
    variables.unshift("$id: String!");
    passed.unshift("id: $id");
  }
  return `mutation (${variables.join(", ")}) { ${field}(${passed.join(", ")}) { ${answer} { ${FIELDS} } } }`;
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
   * Queried by id, as a list may be incomplete. With a Create Only token the list has to contain it.
   * @throws `permission` where such a token's list lacks it
   */
  async getUncached(id: string): Promise<ApiRepo | undefined> {
    try {
      const found = await this.client.query({
        purpose: `read the repository ${id}`,
        field: "repo",
        document: ONE,
        variables: { id },
        // Null is valid; an absent field, as in the JSON of another service, is not.
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

  /**
   * @param origin resource that the repository is for
   * @param reasonToKeep consulted before an empty orphan of an interrupted run is deleted
   */
  create(
    args: RepoMutationVars & { name: string; region: string },
    origin?: string,
    reasonToKeep?: ReasonToKeep,
  ): Promise<CreateOutcome<ApiRepo>> {
    return this.recovery.run({
      origin,
      name: args.name,
      args,
      matches: matchesArgs,
      survivingArgs: (requested) => this.#withoutDeletedKeys(requested),
      isUnused: (item) => !(item.currentUsage > 0) && !item.lastModified,
      isAdoptable: (item) =>
        equalsIgnoringCase(args.region, item.region) && equalsIgnoringCase(args.format ?? item.format, item.format),
      reasonToKeep,
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

  /** The server removes deleted keys from the lists of all repositories. */
  async #withoutDeletedKeys<Args extends RepoMutationVars>(args: Args): Promise<Args> {
    const existing = new Set((await this.keys.refetchCoalesced()).map(({ id }) => id));
    const surviving = KEY_LISTS.filter((name) => args[name]).map((name) => [
      name,
      args[name]?.filter((id) => existing.has(id)),
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

/** Whether a create with these arguments makes exactly such a repository. */
function matchesArgs(item: ApiRepo, args: RepoMutationVars): boolean {
  const { name, quota, ...others } = args;
  if (item.name !== name) return false;
  if (args.quotaEnabled && item.quota !== quota) return false;
  return Object.entries(others).every(([name, expected]) => {
    const actual: unknown = item[name as keyof ApiRepo];
    return Array.isArray(expected)
      ? JSON.stringify([...expected].sort()) === JSON.stringify(actual)
      : equalsIgnoringCase(expected, actual);
  });
}

function equalsIgnoringCase(a: unknown, b: unknown): boolean {
  return typeof a === "string" && typeof b === "string" ? a.toLowerCase() === b.toLowerCase() : a === b;
}
