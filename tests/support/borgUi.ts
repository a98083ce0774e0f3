import { setTimeout as delay } from "node:timers/promises";
import { type BorgUi, type BorgUiOptions, startBorgUi } from "../../emulator/borgui";
import { startAccount } from "./account";

/** A row of a list, by the names of the API. */
// biome-ignore lint/suspicious/noExplicitAny: tests read rows of every kind
export type Row = Record<string, any>;

/** Speaks to a Borg UI as a person in its web interface would: past Pulumi, as the administrator. */
export class UiConsole {
  #session: Promise<string> | undefined;

  constructor(readonly emulator: BorgUi) {}

  async ask(method: string, path: string, body?: object): Promise<Row> {
    this.#session ??= this.#logIn();
    const response = await fetch(this.emulator.url + path, {
      method,
      headers: { authorization: `Bearer ${await this.#session}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : {};
  }

  connections = async (): Promise<Row[]> => (await this.ask("GET", "/api/ssh-keys/connections")).connections;
  keys = async (): Promise<Row[]> => (await this.ask("GET", "/api/ssh-keys")).ssh_keys;
  repositories = async (): Promise<Row[]> => (await this.ask("GET", "/api/repositories/")).repositories;
  plans = async (): Promise<Row[]> => (await this.ask("GET", "/api/backup-plans/")).backup_plans;
  plan = async (id: string): Promise<Row> => this.ask("GET", `/api/backup-plans/${id}`);

  /** Makes the system key. */
  systemKey = async (): Promise<Row> =>
    (await this.ask("POST", "/api/ssh-keys/generate", { name: "System SSH Key", key_type: "ed25519" })).ssh_key;

  /** Starts a plan, and waits for the end of the run. Returns its status. */
  async run(planId: string): Promise<string> {
    await this.ask("POST", `/api/backup-plans/${planId}/run`);
    for (;;) {
      const { runs } = await this.ask("GET", `/api/backup-plans/${planId}/runs`);
      const [run] = runs as Row[];
      if (run && !/^(pending|queued|running)$/.test(run.status)) return run.status;
      await delay(100);
    }
  }

  async #logIn(): Promise<string> {
    const { username, password, url } = this.emulator;
    const response = await fetch(`${url}/api/auth/login`, {
      method: "POST",
      body: new URLSearchParams({ username, password }),
    });
    return ((await response.json()) as { access_token: string }).access_token;
  }
}

/** A local Borg UI for one test file, and the environment that points the provider at it. */
export async function startUi(options: BorgUiOptions = {}) {
  const emulator = await startBorgUi(options);
  const console = new UiConsole(emulator);
  const settings = { borgUiUrl: emulator.url, borgUiToken: emulator.token };
  const env = { BORG_UI_URL: emulator.url, BORG_UI_TOKEN: emulator.token };
  /** Changes that reached the server since the last call, as `POST /api/ssh-keys/*`. */
  const changes = (): string[] => {
    const found = Object.entries(emulator.control.requests()).flatMap(([line, count]) =>
      /^(POST|PUT|DELETE) (?!\/api\/auth)/.test(line) ? Array<string>(count).fill(line) : [],
    );
    emulator.control.resetRequests();
    return found.map((line) => line.replace(/\/\d+/g, "/*"));
  };
  return { emulator, console, settings, env, changes };
}

export type Ui = Awaited<ReturnType<typeof startUi>>;

/** A BorgBase with real SSH and borg behind it, and a repository there that a key may write to. */
export async function startBorgBase() {
  const account = await startAccount({ storage: true });
  const { console, emulator } = account;
  return {
    ...account,
    /** @returns the account of a new repository, as a connection takes it */
    async target(publicKey: string): Promise<{ host: string; port: number; username: string }> {
      const keys = await console.keys();
      const known = keys.find(({ keyData }) => publicKey.startsWith(keyData.trim()));
      const { sshAdd } = known
        ? { sshAdd: { keyAdded: known } }
        : await console.ask<{ sshAdd: { keyAdded: { id: string } } }>(
            'mutation ($keyData: String!) { sshAdd(name: "ui", keyData: $keyData) { keyAdded { id } } }',
            { keyData: publicKey },
          );
      const { repoAdd } = await console.ask<{ repoAdd: { repoAdded: { id: string; repoPath: string } } }>(
        'mutation ($keys: [String]) { repoAdd(name: "ui", region: "eu", fullAccessKeys: $keys) { repoAdded { id repoPath } } }',
        { keys: [sshAdd.keyAdded.id] },
      );
      const { hostname, port, username } = new URL(repoAdd.repoAdded.repoPath);
      return { host: hostname, port: Number(port || 22), username };
    },
    close: () => emulator.close(),
  };
}
