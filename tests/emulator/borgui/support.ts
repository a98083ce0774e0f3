import { type BorgUi, type BorgUiOptions, startBorgUi } from "../../../emulator/borgui";

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
  body: any;
  /** The key of an error without its prefix, as `ssh.sshKeyNotFound`; undefined for any other answer. */
  error: string | undefined;
}

export interface Asking {
  /** A session or personal token; null for none. Default: a session of the administrator. */
  token?: string | null;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** A Borg UI server under test: the emulator, or with `BORG_UI_TEST_URL` a real one, which has nothing to lose. */
export class Server {
  /** A session token of the administrator. */
  session = "";

  private constructor(
    readonly url: string,
    readonly username: string,
    readonly password: string,
    /** Null for a real server. */
    readonly emulator: BorgUi | null,
  ) {}

  static async start(options: BorgUiOptions = {}): Promise<Server> {
    const emulator = await startBorgUi(options);
    const server = new Server(emulator.url, emulator.username, emulator.password, emulator);
    return server.logIn();
  }

  /** The server that the environment names, or else an emulator. */
  static async given(): Promise<Server> {
    const { BORG_UI_TEST_URL: url, BORG_UI_TEST_USERNAME: username, BORG_UI_TEST_PASSWORD: password } = process.env;
    if (!url) return Server.start();
    return new Server(url.replace(/\/$/, ""), username ?? "admin", password ?? "", null).logIn();
  }

  async ask(method: string, path: string, body?: unknown, asking: Asking = {}): Promise<Answer> {
    const token = asking.token === undefined ? this.session : asking.token;
    const isForm = body instanceof URLSearchParams;
    const response = await fetch(this.url + path, {
      method,
      redirect: "manual",
      headers: {
        ...(body === undefined || isForm ? {} : { "Content-Type": "application/json" }),
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
        ...asking.headers,
      },
      body: body === undefined ? null : isForm ? body : typeof body === "string" ? body : JSON.stringify(body),
      signal: asking.signal ?? null,
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    const content = isJson && text !== "" ? JSON.parse(text) : undefined;
    const error = /^backend\.errors\.(.+)$/.exec(content?.detail?.key ?? "")?.[1];
    return { status: response.status, headers: response.headers, text, body: content, error };
  }

  get = (path: string, asking?: Asking) => this.ask("GET", path, undefined, asking);
  post = (path: string, body?: unknown, asking?: Asking) => this.ask("POST", path, body, asking);
  put = (path: string, body: unknown, asking?: Asking) => this.ask("PUT", path, body, asking);
  delete = (path: string, asking?: Asking) => this.ask("DELETE", path, undefined, asking);

  /** A login from an address of its own, so that failed ones lock no other test. */
  logInAs(username: string, password: string, address = "203.0.113.1"): Promise<Answer> {
    const form = new URLSearchParams({ username, password });
    return this.post("/api/auth/login", form, { token: null, headers: { "X-Forwarded-For": address } });
  }

  /** Removes plans, repositories, connections and keys, and users but the administrator. Data of borg stays. */
  async clear(): Promise<void> {
    const { backup_plans } = (await this.get("/api/backup-plans/")).body;
    for (const { id } of backup_plans) await this.delete(`/api/backup-plans/${id}`);
    const { repositories } = (await this.get("/api/repositories/")).body;
    for (const { id } of repositories) await this.delete(`/api/repositories/${id}`);
    for (const { id } of await this.connections()) await this.delete(`/api/ssh-keys/connections/${id}`);
    const { ssh_keys } = (await this.get("/api/ssh-keys")).body;
    for (const { id } of ssh_keys) await this.delete(`/api/ssh-keys/${id}`);
    const { users } = (await this.get("/api/settings/users")).body;
    for (const { id, username } of users) {
      if (username !== this.username) await this.delete(`/api/settings/users/${id}`);
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
  async connections(): Promise<any[]> {
    return (await this.get("/api/ssh-keys/connections")).body.connections;
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
  async repositories(): Promise<any[]> {
    return (await this.get("/api/repositories/")).body.repositories;
  }

  /** Makes the system key. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
  async systemKey(): Promise<any> {
    return (await this.post("/api/ssh-keys/generate", { name: "system", key_type: "ed25519" })).body.ssh_key;
  }

  async close(): Promise<void> {
    await this.emulator?.close();
  }

  private async logIn(): Promise<this> {
    const { body } = await this.logInAs(this.username, this.password);
    this.session = body.access_token;
    return this;
  }
}
