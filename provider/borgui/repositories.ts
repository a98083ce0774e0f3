import { z } from "zod";
import { isKind, ProviderError } from "../errors";
import type { PendingCreates } from "../pendingCreates";
import type { CreateOutcome } from "../remote/createRecovery";
import { flag, id, numberOr, optionalText } from "../remote/readers";
import { BORG_TIMEOUT, type Client } from "./client";
import { done } from "./readers";
import { Rows } from "./rows";

/** A repository that the server backs up to. No call returns its passphrase or the id of its connection. */
export type ServerRepository = z.output<typeof repository>;

const texts = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

const repository = z
  .object({
    id,
    name: z.string(),
    /** A path at the server, or `ssh://USER@HOST:PORT/PATH`. */
    path: z.string(),
    encryption: z.string(),
    compression: z.string(),
    source_directories: texts,
    exclude_patterns: texts,
    custom_flags: optionalText,
    upload_ratelimit_kib: numberOr(0),
    remote_path: optionalText,
    mode: z.string(),
    has_running_maintenance: flag,
  })
  .transform((row) => ({ ...row, target: /^ssh:\/\/([^/]+)\//.exec(row.path)?.[1] }));

const list = z.object({ repositories: z.array(repository) }).transform(({ repositories }) => repositories);
const made = z.object({ already_existed: flag, repository: z.object({ id }) });
const edited = z.object({ success: z.literal(true) });
const archives = z.object({ archives: z.array(z.unknown()) }).transform((answer) => answer.archives.length);

const checkSchedule = z
  .object({
    check_cron_expression: optionalText,
    check_schedule_enabled: flag,
    check_timezone: optionalText,
    check_max_duration: z.number().nullish(),
  })
  .transform((row) =>
    row.check_cron_expression === undefined || !row.check_schedule_enabled
      ? undefined
      : {
          cron: row.check_cron_expression,
          timezone: row.check_timezone ?? "UTC",
          ...(typeof row.check_max_duration === "number" && { maxDuration: row.check_max_duration }),
        },
  );

export interface CheckSchedule {
  cron: string;
  /** Default `UTC`. */
  timezone?: string | undefined;
  /** Seconds. Default: the server's. */
  maxDuration?: number | undefined;
}

/** By the names of the API. An empty text or list clears; an absent value keeps. */
export interface RepositoryEdit {
  name?: string;
  compression?: string;
  source_directories?: string[];
  exclude_patterns?: string[];
  custom_flags?: string;
  /** Null clears. */
  upload_ratelimit_kib?: number | null;
  remote_path?: string;
  mode?: string;
}

export interface NewRepository extends RepositoryEdit {
  name: string;
  path: string;
  connection_id?: number;
  encryption: string;
  passphrase?: string;
}

export interface RepositoryOutcome extends CreateOutcome<ServerRepository> {
  /** borg found a repository at the place. */
  alreadyExisted: boolean;
  /** An earlier request of this create may have made it: its answer was lost. */
  wasSent: boolean;
}

export class Repositories extends Rows<ServerRepository> {
  /** Addresses of the repositories that this process has taken out of Borg UI: a replacement may come back to one. */
  readonly released = new Set<string>();

  constructor(
    private readonly client: Client,
    pendingCreates?: PendingCreates,
  ) {
    const call = { purpose: "list the repositories", path: "/api/repositories/", answer: list };
    super("borgui.Repository", () => client.read(call), pendingCreates);
  }

  /** @throws `permission` where the user may not see it: the list lacks it then */
  async getUncached(id: string): Promise<ServerRepository | undefined> {
    const listed = await this.findListed(id);
    if (listed) return listed;
    try {
      await this.checkSchedule(id);
    } catch (error) {
      if (isKind(error, "notFound")) return undefined;
      throw error;
    }
    throw new ProviderError("permission", `Borg UI has the repository ${id}, and does not list it for this user.`);
  }

  /**
   * @param how `create` runs `borg init`; `import` takes a repository that is there, and checks the passphrase
   * @param assertFree throws where a row that is there already is in the way
   */
  async create(
    args: NewRepository,
    how: "create" | "import",
    matches: (item: ServerRepository) => boolean,
    assertFree: (all: ServerRepository[]) => void,
    origin?: string,
  ): Promise<RepositoryOutcome> {
    const facts = { alreadyExisted: false, wasSent: false };
    const outcome = await this.createRow({
      origin,
      name: args.name,
      args: { name: args.name, path: args.path },
      matches,
      assertFree,
      send: async (find, wasSent) => {
        facts.wasSent = wasSent;
        const created = await this.client.create(
          {
            purpose: `${how} the repository "${args.name}"`,
            method: "POST",
            path: how === "create" ? "/api/repositories/" : "/api/repositories/import",
            body: args,
            timeout: BORG_TIMEOUT,
            answer: made,
          },
          async () => {
            facts.wasSent = true;
            const found = await find();
            return found && { already_existed: false, repository: { id: found.id } };
          },
        );
        facts.alreadyExisted = created.already_existed;
        return this.readBack(created.repository.id, `the repository "${args.name}"`);
      },
    });
    return { ...outcome, ...facts };
  }

  async update(id: string, changes: RepositoryEdit): Promise<ServerRepository> {
    await this.client.change({
      purpose: `change the repository ${id}`,
      method: "PUT",
      path: `/api/repositories/${id}`,
      body: changes,
      answer: edited,
    });
    return this.readBack(id, `the repository "${changes.name ?? id}"`);
  }

  /** Opens the repository with the passphrase that the server has. Returns the number of its archives. */
  countArchives(id: string): Promise<number> {
    return this.client.change({
      purpose: `open the repository ${id}`,
      path: `/api/repositories/${id}/archives`,
      timeout: BORG_TIMEOUT,
      answer: archives,
    });
  }

  /** Undefined: off. */
  checkSchedule(id: string): Promise<CheckSchedule | undefined> {
    return this.client.read({
      purpose: `read the check schedule of the repository ${id}`,
      path: `/api/repositories/${id}/check-schedule`,
      answer: checkSchedule,
    });
  }

  setCheckSchedule(id: string, schedule: CheckSchedule | undefined) {
    return this.client.change({
      purpose: `change the check schedule of the repository ${id}`,
      method: "PUT",
      path: `/api/repositories/${id}/check-schedule`,
      body: schedule
        ? { cron_expression: schedule.cron, timezone: schedule.timezone ?? "UTC", max_duration: schedule.maxDuration }
        : { cron_expression: "" },
      answer: edited,
    });
  }

  /** Erases a repository on the server's own disk, with its archives. */
  async erase({ id, name }: ServerRepository): Promise<void> {
    await this.client.change({
      purpose: `erase the repository ${id}`,
      method: "POST",
      path: `/api/repositories/${id}/permanent-delete`,
      body: { confirmation_phrase: name, understood: true },
      timeout: BORG_TIMEOUT,
      answer: done,
    });
    this.list.remove(id);
  }

  /** Takes the repository out of Borg UI. borg's data stays. */
  protected remove(id: string) {
    return this.client.change({
      purpose: `take the repository ${id} out of Borg UI`,
      method: "DELETE",
      path: `/api/repositories/${id}`,
      answer: done,
    });
  }
}
