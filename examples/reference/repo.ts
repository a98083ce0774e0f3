import * as borgbase from "pulumi-borgbase";
import { key } from "./sshKey";

export const repo = new borgbase.Repo("web-1", {
  region: "eu",
  appendOnlyKeys: [key.id],
  alertDays: 2,
  compaction: { interval: 1, unit: "weeks", hour: 4, timezone: "Europe/Berlin" },
});

export const { repoPath } = repo;
