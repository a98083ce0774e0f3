import * as borgbase from "pulumi-borgbase";
import { key } from "./sshKey";

/** Keys by the algorithm that they use. */
export const algorithms = borgbase
  .getSshKeysOutput({ dependsOn: [key] })
  .apply((keys) => Object.fromEntries(keys.map(({ name, keyType }) => [name, keyType])));
