// The first tabs of the page. Each runs as it stands.

const REPOSITORIES = `# Choose a token above, and run this query with Ctrl+Enter.
query Repositories {
  me {
    username
    repoCount
    diskUsage # MB
  }
  repoList {
    id
    name
    region
    format
    currentUsage # MB
    quota # MB
    lastModified
    appendOnlyKeyList {
      name
    }
    fullAccessKeyList {
      name
    }
    repoPath
  }
}
`;

const KEYS = `query Keys {
  sshList {
    id
    name
    keyType
    hashSha256
    addedAt
    lastUsedAt
  }
}
`;

const ADD = `# A Read Only token is refused here.
mutation AddRepository($name: String!, $region: String!) {
  repoAdd(name: $name, region: $region, alertDays: 2) {
    repoAdded {
      id
      name
      repoPath
    }
  }
}
`;

export const TABS = [
  { query: REPOSITORIES },
  { query: KEYS },
  { query: ADD, variables: JSON.stringify({ name: "web-2", region: "eu" }, null, 2) },
];

export const HEADERS = JSON.stringify({ Authorization: "Bearer " }, null, 2);
