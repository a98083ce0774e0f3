/** Fields of `package.json` that are filled in once the project is published. */
export interface Publication {
  author?: string | { name: string };
  homepage?: string;
  repository?: string | { url: string };
}

/** What the registry shows of a published package, and where the CLI downloads the plugin. */
export interface PublishedFields {
  publisher?: string;
  homepage?: string;
  repository?: string;
  logoUrl?: string;
  pluginDownloadURL?: string;
}

/** Fields of the package schema that follow from `package.json`. A field that is not filled in leaves its own out. */
export function publicationOf({ author, homepage, repository }: Publication): PublishedFields {
  const publisher = typeof author === "object" ? author.name : author?.replace(/\s*[<(].*$/, "");
  const url = typeof repository === "object" ? repository.url : repository;
  const [, slug] =
    /^(?:(?:git\+)?(?:https|ssh):\/\/(?:git@)?github\.com\/|github:)([\w.-]+\/[\w.-]+?)(?:\.git)?$/.exec(url ?? "") ??
    [];
  if (url !== undefined && slug === undefined) {
    throw new Error(`the repository ${url} in package.json is none at GitHub, where the CLI looks for releases`);
  }
  return {
    ...(publisher && { publisher }),
    ...(homepage && { homepage }),
    ...(slug && {
      repository: `https://github.com/${slug}`,
      logoUrl: `https://raw.githubusercontent.com/${slug}/main/docs/logo.svg`,
      // The releases of the repository (pulumi/pulumi, `sdk/go/common/workspace/plugins.go`).
      pluginDownloadURL: `github://api.github.com/${slug}`,
    }),
  };
}
