import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import type { Answer, Server } from "../support";

export const PASSPHRASE = "correct horse";

/** A name that no other test has, as data of earlier tests stays. */
export function fresh(name: string): string {
  return `${name}-${randomBytes(5).toString("hex")}`;
}

/** Repositories on the server's own disk. */
export class Repositories {
  constructor(private readonly given: () => Server) {}

  create(more: Record<string, unknown> = {}): Promise<Answer> {
    const input = { name: fresh("repo"), path: `conformance/${fresh("r")}`, passphrase: PASSPHRASE, ...more };
    return this.given().post("/api/repositories/", input);
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
  async created(more: Record<string, unknown> = {}): Promise<any> {
    const { body, text } = await this.create(more);
    assert.ok(body?.repository, text);
    return body.repository;
  }

  /** The repository in the list. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
  async listed(id: number): Promise<any> {
    return (await this.given().repositories()).find((row) => row.id === id);
  }
}
