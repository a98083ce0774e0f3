import { setTimeout as delay } from "node:timers/promises";
import type { Answer, Server } from "../support";
import { fresh } from "./repository";

/** Backup plans, each with a new repository on the server's own disk. */
export class Plans {
  constructor(private readonly given: () => Server) {}

  async repository(more: Record<string, unknown> = {}): Promise<number> {
    const input = { name: fresh("repo"), path: `conformance/${fresh("p")}`, encryption: "none", ...more };
    return (await this.given().post("/api/repositories/", input)).body.repository.id;
  }

  async create(more: Record<string, unknown> = {}): Promise<Answer> {
    const repositories = more.repositories ?? [{ repository_id: await this.repository(), execution_order: 1 }];
    const input = { name: fresh("plan"), source_directories: ["/usr/share/zoneinfo/Arctic"], ...more, repositories };
    return this.given().post("/api/backup-plans/", input);
  }

  /** Runs a plan to its end. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
  async run(plan: number): Promise<any> {
    return this.finished((await this.given().post(`/api/backup-plans/${plan}/run`)).body.id);
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
  async finished(run: number): Promise<any> {
    for (;;) {
      const { body } = await this.given().get(`/api/backup-plans/runs/${run}`);
      if (!["pending", "running"].includes(body.status)) return body;
      await delay(200);
    }
  }
}
