// One machine with a repository in each of two accounts.
package main

import (
	"github.com/pulumi-borgbase/sdk/go/borgbase"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(deploy)
}

func deploy(ctx *pulumi.Context) error {
	settings := config.New(ctx, "")

	// A pair that lives in the state alone; its public half is registered with BorgBase.
	pair, err := borgbase.NewKeyPair(ctx, "laptop", &borgbase.KeyPairArgs{Comment: pulumi.String("laptop")})
	if err != nil {
		return err
	}
	key, err := borgbase.NewSshKey(ctx, "laptop", &borgbase.SshKeyArgs{PublicKey: pair.PublicKey})
	if err != nil {
		return err
	}
	repo, err := borgbase.NewRepo(ctx, "laptop", &borgbase.RepoArgs{
		Region:         pulumi.String("eu"),
		FullAccessKeys: pulumi.StringArray{key.ID()},
		AlertDays:      pulumi.Int(2),
		Compaction: borgbase.CompactionArgs{
			Interval: pulumi.Int(1),
			Unit:     pulumi.String("weeks"),
			Hour:     pulumi.Int(4),
			Timezone: pulumi.String("UTC"),
		},
	})
	if err != nil {
		return err
	}

	// A second account, with its own token. restic needs a password of the repository instead of a key.
	offsite, err := borgbase.NewProvider(ctx, "offsite", &borgbase.ProviderArgs{
		Token: settings.RequireSecret("offsiteToken"),
	})
	if err != nil {
		return err
	}
	copied, err := borgbase.NewRepo(ctx, "laptop-copy", &borgbase.RepoArgs{
		Region:    pulumi.String("us"),
		Format:    pulumi.String("restic"),
		AlertDays: pulumi.Int(2),
	}, pulumi.Provider(offsite))
	if err != nil {
		return err
	}

	// A repository that others manage: it is read, and never changed.
	shared, err := borgbase.GetRepo(ctx, "shared", pulumi.ID(settings.Require("sharedRepo")), nil)
	if err != nil {
		return err
	}
	found := borgbase.LookupRepoOutput(ctx, borgbase.LookupRepoOutputArgs{Id: repo.ID()})

	ctx.Export("repoPath", repo.RepoPath)
	ctx.Export("privateKey", pair.PrivateKey)
	ctx.Export("resticUrl", copied.ResticUrl)
	ctx.Export("sharedPath", shared.RepoPath)
	ctx.Export("usage", found.CurrentUsage())
	return nil
}
