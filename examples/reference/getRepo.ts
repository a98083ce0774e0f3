import * as borgbase from "pulumi-borgbase";
import { repo } from "./repo";

/** MB, as BorgBase counts it now. */
export const usage = borgbase.getRepoOutput({ id: repo.id }).currentUsage;
