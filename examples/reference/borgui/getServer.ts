import * as borgbase from "pulumi-borgbase";

/** Whether one plan may back up to several repositories. */
export const severalRepositories = borgbase.borgui
  .getServerOutput()
  .features.apply((features) => features.includes("multi_repository"));
