import * as borgbase from "pulumi-borgbase";

// restic speaks HTTPS with a password of the repository's own: no SSH keys.
const repo = new borgbase.Repo("documents", {
  region: "eu",
  format: "restic",
  quota: 100_000,
  alertDays: 3,
  // Old snapshots cannot be deleted with the repository's password, should the machine be taken over.
  appendOnly: true,
});

/** What restic takes as its repository. A secret, as it holds the password. */
export const resticUrl = repo.resticUrl;
