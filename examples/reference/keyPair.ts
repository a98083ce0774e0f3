import * as borgbase from "pulumi-borgbase";

export const pair = new borgbase.KeyPair("web-1", {
  comment: "root@web-1",
  // Another value makes a new pair.
  keepers: { rotated: "2026-11" },
});
