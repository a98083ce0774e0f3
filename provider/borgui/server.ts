import { z } from "zod";
import { lazy } from "../lazy";
import { optionalText } from "../remote/readers";
import type { Client } from "./client";

/** The server as a whole. Every field may be missing. */
export type ServerInfo = z.output<typeof info>;

const info = z.object({
  app_version: optionalText,
  borg_version: optionalText,
  plan: optionalText,
  feature_access: z
    .record(z.string(), z.boolean())
    .nullish()
    .transform((features) => features ?? {}),
});

export class Server {
  constructor(private readonly client: Client) {}

  get url(): string {
    return this.client.url;
  }

  /** Read once per process. */
  readonly info = lazy(() => this.client.read({ purpose: "tell its version", path: "/api/system/info", answer: info }));
}
