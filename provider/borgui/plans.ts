import { z } from "zod";
import { isKind } from "../errors";
import type { PendingCreates } from "../pendingCreates";
import type { CreateOutcome } from "../remote/createRecovery";
import { flag, id, numberOr, optionalText } from "../remote/readers";
import type { Client } from "./client";
import { done } from "./readers";
import { Rows } from "./rows";

const optionalId = id.nullish().transform((value) => value ?? undefined);
const location = z.looseObject({ source_ssh_connection_id: optionalId });

const summary = z
  .object({
    id,
    name: z.string(),
    source_ssh_connection_id: optionalId,
    source_locations: z.array(location).nullish(),
  })
  .transform(({ source_ssh_connection_id: own, source_locations, ...plan }) => ({
    ...plan,
    /** Ids of the connections that the plan reads from. */
    sources: [own, ...(source_locations ?? []).map((each) => each.source_ssh_connection_id)].filter(
      (each) => each !== undefined,
    ),
  }));

export type PlanSummary = z.output<typeof summary>;

const texts = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

const hook = z.looseObject({
  script_id: optionalId,
  hook_type: z.string(),
  execution_order: numberOr(1),
  enabled: z.boolean().nullish(),
  custom_timeout: z.number().nullish(),
  /** Passwords come back as a mask. */
  parameter_values: z.record(z.string(), z.unknown()).nullish(),
});

export type ServerHook = z.output<typeof hook>;

/** A plan as one call returns it. Fields that the provider does not manage are kept, as an edit needs all of them. */
const plan = z.looseObject({
  id,
  name: z.string(),
  enabled: flag,
  source_ssh_connection_id: optionalId,
  source_directories: texts,
  source_locations: z.array(location).nullish(),
  exclude_patterns: texts,
  compression: z.string(),
  schedule_enabled: flag,
  cron_expression: optionalText,
  timezone: z.string(),
  run_prune_after: flag,
  prune_keep_hourly: numberOr(0),
  prune_keep_daily: numberOr(0),
  prune_keep_weekly: numberOr(0),
  prune_keep_monthly: numberOr(0),
  prune_keep_quarterly: numberOr(0),
  prune_keep_yearly: numberOr(0),
  prune_keep_within: optionalText,
  script_hooks: z.array(hook).nullish(),
  repositories: z.array(z.looseObject({ repository_id: id, enabled: flag, execution_order: numberOr(1) })),
});

export type ServerPlan = z.output<typeof plan>;

type Period = "hourly" | "daily" | "weekly" | "monthly" | "quarterly" | "yearly";

/** Arguments by the names of the API. */
export interface PlanEdit extends Partial<Record<`prune_keep_${Period}`, number>> {
  name?: string;
  enabled?: boolean;
  source_type?: "local" | "remote";
  source_ssh_connection_id?: number | null;
  source_directories?: string[];
  /** Null: as the fields above say. */
  source_locations?: null;
  exclude_patterns?: string[];
  compression?: string;
  schedule_enabled?: boolean;
  cron_expression?: string | null;
  timezone?: string;
  run_prune_after?: boolean;
  prune_keep_within?: string | null;
  repositories?: object[];
  script_hooks?: object[];
}

const list = z.object({ backup_plans: z.array(summary) }).transform(({ backup_plans }) => backup_plans);

export class BackupPlans extends Rows<PlanSummary> {
  constructor(
    private readonly client: Client,
    pendingCreates?: PendingCreates,
  ) {
    const call = { purpose: "list the backup plans", path: "/api/backup-plans/", answer: list };
    super("borgui.BackupPlan", () => client.read(call), pendingCreates);
  }

  async getUncached(id: string): Promise<PlanSummary | undefined> {
    const found = await this.read(id);
    return found && summarized(found);
  }

  /** The whole plan; the list has only parts of it. Undefined where the server lacks it. */
  async read(id: string): Promise<ServerPlan | undefined> {
    try {
      const path = `/api/backup-plans/${id}`;
      return await this.client.read({ purpose: `read the backup plan ${id}`, path, answer: plan });
    } catch (error) {
      if (isKind(error, "notFound")) return undefined;
      throw error;
    }
  }

  /** The plans that back up to a repository. */
  ofRepository(id: string): Promise<PlanSummary[]> {
    const path = `/api/backup-plans/?repository_id=${id}`;
    return this.client.read({ purpose: `list the backup plans of the repository ${id}`, path, answer: list });
  }

  /** @param assertFree throws where a plan that is there already is in the way */
  create(
    args: PlanEdit & { name: string },
    assertFree: (all: PlanSummary[]) => void,
    origin?: string,
  ): Promise<CreateOutcome<PlanSummary>> {
    const { name } = args;
    const matches = (item: PlanSummary) => item.name === name;
    return this.createRow({
      origin,
      name,
      matches,
      assertFree,
      send: (find) =>
        this.client.create<PlanSummary>(
          {
            purpose: `make the backup plan "${name}"`,
            method: "POST",
            path: "/api/backup-plans/",
            body: args,
            answer: plan.transform(summarized),
          },
          find,
        ),
    });
  }

  /** Sends the whole plan, as the server resets what an edit leaves out; hooks alone stay where it names none. */
  async update(old: ServerPlan, changes: PlanEdit): Promise<void> {
    const { id, script_hooks: _, repositories, ...kept } = old;
    await this.client.change({
      purpose: `change the backup plan ${id}`,
      method: "PUT",
      path: `/api/backup-plans/${id}`,
      body: { ...numbered(kept), repositories: repositories.map(linkOf), ...changes },
      answer: plan,
    });
    this.list.invalidate();
  }

  protected remove(id: string) {
    return this.client.change({
      purpose: `delete the backup plan ${id}`,
      method: "DELETE",
      path: `/api/backup-plans/${id}`,
      answer: done,
    });
  }
}

function summarized({ id, name, source_ssh_connection_id, source_locations }: ServerPlan): PlanSummary {
  return summary.parse({ id, name, source_ssh_connection_id, source_locations });
}

/** A link to a repository as the server takes it: without the repository itself. */
function linkOf({ repository_id, repository: _, id: __, ...link }: ServerPlan["repositories"][number]): object {
  return { ...link, repository_id: Number(repository_id) };
}

/** Ids as the numbers that the server takes. */
function numbered<T extends { source_ssh_connection_id?: string | undefined }>(plan: T): object {
  const { source_ssh_connection_id: source, ...others } = plan;
  return { ...others, source_ssh_connection_id: source === undefined ? null : Number(source) };
}
