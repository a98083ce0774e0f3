import { type Emulator, type EmulatorOptions, startEmulator, type TokenLevel } from "../../emulator";

/** The key of the acceptance tests of gjabell/terraform-provider-borgbase, which state its hashes. */
export const KEY_BODY = "AAAAC3NzaC1lZDI1NTE5AAAAIBAt/X37WDQ3cNPEVHQBsW3lH7XPeea5rUoeXuhoTkzR";
export const KEY_LINE = `ssh-ed25519 ${KEY_BODY} terraform@localhost`;

export interface Answer {
  status: number;
  text: string;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
  data: any;
  errors: string[];
}

export interface Asking {
  variables?: unknown;
  /** The token; null for none. Default: the first account's Full Access token. */
  token?: string | null;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** An emulator for one test or suite. */
export class Subject {
  private constructor(readonly emulator: Emulator) {}

  static async start(options: EmulatorOptions = {}): Promise<Subject> {
    return new Subject(await startEmulator(options));
  }

  token(level: TokenLevel, account = 0): string {
    return this.emulator.accounts[account]?.tokens[level] ?? "";
  }

  get control() {
    return this.emulator.control;
  }

  async ask(query: string, { variables, token, headers, signal }: Asking = {}): Promise<Answer> {
    const secret = token === undefined ? this.token("fullAccess") : token;
    const response = await fetch(this.emulator.endpoint, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        ...(secret === null ? {} : { Authorization: `Bearer ${secret}` }),
        ...headers,
      },
      body: JSON.stringify({ query, variables }),
      signal: signal ?? null,
    });
    const text = await response.text();
    const json = response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : {};
    const errors = (json.errors ?? []).map((error: { message: string }) => error.message);
    return { status: response.status, text, headers: response.headers, data: json.data, errors };
  }

  async addKey(name = "key", keyData = KEY_LINE, token?: string): Promise<string> {
    const query = "mutation($n: String!, $k: String!) { sshAdd(name: $n, keyData: $k) { keyAdded { id } } }";
    return (await this.ask(query, { variables: { n: name, k: keyData }, token })).data.sshAdd.keyAdded.id;
  }

  async addRepo(settings: Record<string, unknown> = {}, token?: string): Promise<string> {
    const given = Object.entries({ name: "repo", region: "eu", ...settings });
    const args = given.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ");
    const answer = await this.ask(`mutation { repoAdd(${args}) { repoAdded { id } } }`, { token });
    return answer.data.repoAdd.repoAdded.id;
  }

  close(): Promise<void> {
    return this.emulator.close();
  }
}
