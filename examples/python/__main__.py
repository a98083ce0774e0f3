"""One machine with a repository in each of two accounts."""

import pulumi
import pulumi_borgbase as borgbase

config = pulumi.Config()

# A pair that lives in the state alone; its public half is registered with BorgBase.
pair = borgbase.KeyPair("laptop", comment="laptop")
key = borgbase.SshKey("laptop", public_key=pair.public_key)
repo = borgbase.Repo(
    "laptop",
    region="eu",
    full_access_keys=[key.id],
    alert_days=2,
    compaction={"interval": 1, "unit": "weeks", "hour": 4, "timezone": "UTC"},
)

# A second account, with its own token. restic needs a password of the repository instead of a key.
offsite = borgbase.Provider("offsite", token=config.require_secret("offsiteToken"))
copy = borgbase.Repo(
    "laptop-copy",
    region="us",
    format="restic",
    alert_days=2,
    opts=pulumi.ResourceOptions(provider=offsite),
)

# A repository that others manage: it is read, and never changed.
shared = borgbase.Repo.get("shared", config.require("sharedRepo"))

pulumi.export("repoPath", repo.repo_path)
pulumi.export("privateKey", pair.private_key)
pulumi.export("resticUrl", copy.restic_url)
pulumi.export("sharedPath", shared.repo_path)
pulumi.export("usage", borgbase.get_repo_output(id=repo.id).current_usage)
