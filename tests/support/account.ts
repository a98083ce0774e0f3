import { type Emulator, startEmulator } from "../../emulator";

/** Speaks to the emulator as a person in BorgBase's web console would: past Pulumi, with the account's full token. */
export class Console {
  constructor(
    private readonly emulator: Emulator,
    private readonly account = 0,
  ) {}

  get token(): string {
    return (this.emulator.accounts[this.account] as Emulator["accounts"][0]).tokens.fullAccess;
  }

  async ask<T = Record<string, unknown>>(query: string, variables: object = {}): Promise<T> {
    const response = await fetch(this.emulator.endpoint, {
      method: "POST",
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data: T; errors?: { message: string }[] };
    if (errors?.length) throw new Error(errors.map((error) => error.message).join("; "));
    return data;
  }

  async repos(): Promise<ConsoleRepo[]> {
    const { repoList } = await this.ask<{ repoList: ConsoleRepo[] }>(
      `{ repoList { id name region format quota quotaEnabled alertDays borgVersion appendOnly appendOnlyKeys fullAccessKeys
        rsyncKeys sftpEnabled compactionEnabled compactionInterval compactionIntervalUnit compactionHour
        compactionHourTimezone } }`,
    );
    return repoList;
  }

  /** The passwords of the restic repositories. */
  async passwords(): Promise<string[]> {
    const { repoList } = await this.ask<{ repoList: { htpasswd: string | null }[] }>("{ repoList { htpasswd } }");
    return repoList.flatMap(({ htpasswd }) => htpasswd || []);
  }

  async keys(): Promise<{ id: string; name: string; keyData: string }[]> {
    const { sshList } = await this.ask<{ sshList: { id: string; name: string; keyData: string }[] }>(
      "{ sshList { id name keyData } }",
    );
    return sshList;
  }

  /** Adds a repository, with the API's own arguments, for example `name: "web", region: "eu"`; returns its id. */
  async addRepo(args: string): Promise<string> {
    const { repoAdd } = await this.ask<{ repoAdd: { repoAdded: { id: string } } }>(
      `mutation { repoAdd(${args}) { repoAdded { id } } }`,
    );
    return repoAdd.repoAdded.id;
  }

  /** Registers a public key; returns its id. */
  async addKey(name: string, keyData: string): Promise<string> {
    const { sshAdd } = await this.ask<{ sshAdd: { keyAdded: { id: string } } }>(
      "mutation ($name: String!, $keyData: String!) { sshAdd(name: $name, keyData: $keyData) { keyAdded { id } } }",
      { name, keyData },
    );
    return sshAdd.keyAdded.id;
  }

  /** Edits a repository; `changes` in the API's own words, for example `alertDays: 5`. */
  async edit(id: string, changes: string): Promise<void> {
    await this.ask(`mutation { repoEdit(id: "${id}", ${changes}) { repoEdited { id } } }`);
  }

  async deleteRepo(id: string): Promise<void> {
    await this.ask(`mutation { repoDelete(id: "${id}") { ok } }`);
  }

  async deleteKey(id: string): Promise<void> {
    await this.ask(`mutation { sshDelete(id: "${id}") { ok } }`);
  }
}

export interface ConsoleRepo {
  id: string;
  name: string;
  region: string;
  format: string;
  quota: number;
  quotaEnabled: boolean;
  alertDays: number;
  borgVersion: string;
  appendOnly: boolean;
  appendOnlyKeys: string[];
  fullAccessKeys: string[];
  rsyncKeys: string[];
  sftpEnabled: boolean;
  compactionEnabled: boolean;
  compactionInterval: number;
  compactionIntervalUnit: string;
  compactionHour: number;
  compactionHourTimezone: string;
}

/** A local BorgBase for one test file, its first account, and the environment that points the provider at it. */
export async function startAccount(options: Parameters<typeof startEmulator>[0] = {}) {
  const emulator = await startEmulator(options);
  const console = new Console(emulator);
  const env = { BORGBASE_ENDPOINT: emulator.endpoint, BORGBASE_TOKEN: console.token };
  /** Mutations that reached the account since the last call, by their field. */
  const mutations = (): string[] => {
    const fields = emulator.control
      .log()
      .flatMap((request) => request.operations)
      .filter((field) => /Add$|Edit$|Delete$|Compact$/.test(field));
    emulator.control.resetCounters();
    return fields;
  };
  return { emulator, console, env, mutations };
}
