import * as borgbase from "pulumi-borgbase";
import { repository } from "./repository";

const plan = new borgbase.borgui.BackupPlan("home", {
  // Folders of the Borg UI server itself.
  sourceDirectories: ["/etc"],
  repositoryIds: [repository.id],
  cron: "0 4 * * *",
  timezone: "Europe/Berlin",
  retention: { daily: 7, weekly: 4, monthly: 6 },
});

export const planId = plan.id;
