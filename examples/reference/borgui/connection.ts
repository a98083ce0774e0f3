import * as borgbase from "pulumi-borgbase";
import { systemKey } from "./systemKey";

const key = new borgbase.SshKey("borg-ui", { publicKey: systemKey.publicKey });
export const repo = new borgbase.Repo("borg-ui", { region: "eu", fullAccessKeys: [key.id], alertDays: 2 });

/** BorgBase as Borg UI sees it: the account of a repository. */
export const connection = new borgbase.borgui.Connection("borgbase", {
  host: repo.repoPath.apply((path) => new URL(path).hostname),
  port: repo.repoPath.apply((path) => Number(new URL(path).port || 22)),
  username: repo.id,
  keyId: systemKey.id,
  // Borg UI before September 2026 pins no host keys; a newer one takes hostKey.
  trustAnyHostKey: true,
});
