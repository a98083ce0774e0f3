import * as borgbase from "pulumi-borgbase";
import { repo } from "./repo";

/** Repositories that no alert watches. */
export const unwatched = borgbase
  .getReposOutput({}, { dependsOn: [repo] })
  .apply((repos) => repos.filter(({ alertDays }) => alertDays === 0).map(({ name }) => name));
