import type { AnyAuthMethod, Prompt } from "ssh2";
import { SshError } from "../error";
import { importPrivateKey } from "../keys";
import { type AgentKey, agentKeys, agentPath } from "./agentKeys";
import type { Deadline } from "./deadline";
import { LoginRecord } from "./loginRecord";
import type { Credentials, Target } from "./target";
import { endsOddly, readKey } from "./target";

/** What ssh2 asks after each attempt: which login to try next. */
export type NextLogin = (
  offered: string[] | null,
  partial: boolean | null,
  next: (login: AnyAuthMethod | false) => void,
) => void;

export interface Way {
  what: "the private key" | "the password" | "the agent's keys" | "key of the agent";
  /** The methods of SSH that it can serve, the preferred one first. */
  methods: string[];
  /** Equal for ways that are the same credential. */
  same: string;
  login(method: string): AnyAuthMethod;
  agentKey?: AgentKey;
}

// Servers punish a client after a few connections that end without a login (sshd_config(5), PerSourcePenalties).
const MAX_CONNECTIONS = 3;

/**
 * Logs in with each credential at most once: hosts ban for more. A server that cuts the login off after some attempts
 * (sshd_config(5), MaxAuthTries) is asked again, on a new connection, with what was not tried yet.
 */
export class Login {
  /** The method that was tried last; it is the one that succeeded, if any did. */
  method = "none";
  readonly #target: Target;
  readonly #deadline: Deadline;
  readonly #record: LoginRecord;
  #waiting: Way[];
  #accepted: Way[] = [];
  #pending: { way: Way; sent: boolean } | undefined;
  #failure: SshError | undefined;
  #exhausted = false;
  #abort = () => {};
  #isOpen = () => true;

  /** @throws SshError `input` when a credential cannot be used, or the agent is the only one and there is none */
  constructor(
    target: Target,
    readonly address: string,
    deadline: Deadline,
  ) {
    this.#target = target;
    this.#deadline = deadline;
    this.#record = new LoginRecord(address, target.username);
    const all = target.credentials.flatMap((each) => this.#prepare(each));
    // One attempt each before an agent's keys, which may be many.
    const sorted = [...all.filter((way) => !isAgent(way)), ...all.filter(isAgent)];
    this.#waiting = sorted.filter((way, index) => sorted.findIndex(({ same }) => same === way.same) === index);
    if (agentPath() === undefined && this.#waiting.some(isAgent)) {
      this.#waiting = this.#waiting.filter((way) => !isAgent(way));
      this.#record.note("agent is true, but SSH_AUTH_SOCK names no ssh-agent");
      if (this.#waiting.length === 0) {
        throw new SshError("input", "agent is true, but SSH_AUTH_SOCK names no ssh-agent", { property: "agent" });
      }
    }
  }

  /** Starts on a new connection. What is but a part of a login must be given anew there. */
  begin(isOpen: () => boolean, abort: () => void): NextLogin {
    this.#isOpen = isOpen;
    this.#abort = abort;
    this.#exhausted = false;
    this.#waiting = [...this.#accepted.splice(0), ...this.#waiting];
    this.#record.connections++;
    return (offered, partial, next) => {
      this.#next(offered, partial ?? false, next).catch(() => this.#abort());
    };
  }

  /** Whether ssh2 ends the connection after the error that it reports, or only says so and goes on. */
  goesOnAfter(error: Error): boolean {
    const { level } = error as { level?: string };
    return !this.#exhausted && (level === "agent" || level === "client-authentication");
  }

  /** The server cannot be answered as it wants; says so unless another way gets in. */
  fail(text: string, property?: string): void {
    this.#failure = new SshError("authentication", text, { phase: "authentication", ...(property && { property }) });
    this.#abort();
  }

  /**
   * The connection ended before the login did.
   * @param said what the server said beyond refusing
   * @returns whether a new connection has something to try
   */
  ended(said: string | undefined): boolean {
    if (this.#pending && !this.#failure) this.#record.cutOff(this.#pending.way, said);
    this.#pending = undefined;
    this.#record.said = said ?? this.#record.said;
    return !this.#exhausted && this.#waiting.length > 0 && this.#record.connections < MAX_CONNECTIONS;
  }

  /** Words of the server that belong to no attempt. */
  heard(text: string): void {
    this.#record.heard(text);
  }

  refusal(): SshError {
    const text = this.#record.text(this.#waiting, this.#exhausted, this.#failure?.message);
    const hints = this.#target.credentials.flatMap((each) => endsOddly("password", each.password));
    const { property } = this.#failure ?? {};
    const details = { phase: "authentication", ...(property && { property }) } as const;
    return new SshError("authentication", [text, ...hints].join("; "), details);
  }

  async #next(offered: string[] | null, partial: boolean, next: (login: AnyAuthMethod | false) => void): Promise<void> {
    if (offered === null) {
      // Asking without a credential tells what the server offers; servers do not count it as a failure.
      next({ type: "none", username: this.#target.username });
      return;
    }
    const pending = this.#pending;
    const agentKey = pending?.way.agentKey;
    if (pending && agentKey?.awaitsSignature) {
      try {
        const login = await this.#askAgent(() => agentKey.signed(this.#target.username));
        if (this.#isOpen()) next(login);
        return;
      } catch {
        this.#record.note("the ssh-agent did not sign with a key that the server knows");
      }
    } else if (pending && !pending.sent) {
      this.#record.unsent(pending.way);
    } else if (pending) {
      this.#record.answered(pending.way, partial);
      if (partial) this.#accepted.push(pending.way);
    }
    this.#pending = undefined;
    this.#record.offered = offered;
    const choice = await this.#choose(offered);
    if (!this.#isOpen()) return;
    if (choice === undefined) {
      this.#exhausted = true;
      next(false);
      return;
    }
    this.method = choice.method;
    const sent = { way: choice.way, sent: false };
    this.#pending = sent;
    next(choice.way.login(choice.method));
    // ssh2 asks again at once, before any answer can come, when it has not even sent it.
    setImmediate(() => {
      sent.sent = true;
    });
  }

  async #choose(offered: string[]): Promise<{ way: Way; method: string } | undefined> {
    for (;;) {
      const index = this.#waiting.findIndex(({ methods }) => methods.some((each) => offered.includes(each)));
      const [way] = index < 0 ? [] : this.#waiting.splice(index, 1);
      const method = way?.methods.find((each) => offered.includes(each));
      if (way === undefined || method === undefined) return undefined;
      if (!isAgent(way)) return { way, method };
      this.#waiting.splice(index, 0, ...(await this.#keysOfAgent()));
    }
  }

  async #keysOfAgent(): Promise<Way[]> {
    let keys: AgentKey[];
    try {
      keys = await this.#askAgent(() => agentKeys(agentPath() ?? ""));
    } catch (error) {
      this.#record.note(`the ssh-agent that SSH_AUTH_SOCK names ${(error as Error).message}`);
      return [];
    }
    if (keys.length === 0) this.#record.note("the ssh-agent holds no key that can be used");
    const given = this.#target.credentials.map((each) => readKey(each)).filter((key) => key !== undefined);
    const blobs = new Set(given.map((privateKey) => importPrivateKey({ privateKey }).blob));
    const { username } = this.#target;
    return keys
      .filter(({ blob }) => !blobs.has(blob))
      .map((agentKey) => ({
        what: "key of the agent",
        methods: ["publickey"],
        same: agentKey.blob,
        login: () => agentKey.login(username),
        agentKey,
      }));
  }

  /** A limit that passes meanwhile is not the host's fault. */
  async #askAgent<T>(ask: () => Promise<T>): Promise<T> {
    this.#deadline.waitsFor = "the ssh-agent";
    try {
      return await ask();
    } finally {
      this.#deadline.waitsFor = undefined;
    }
  }

  #prepare(credentials: Credentials): Way[] {
    const { username } = this.#target;
    const ways: Way[] = [];
    const key = readKey(credentials);
    if (key !== undefined) {
      const login = (): AnyAuthMethod => ({ type: "publickey", username, key });
      ways.push({ what: "the private key", methods: ["publickey"], same: key, login });
    }
    if (credentials.agent) {
      const login = (): AnyAuthMethod => ({ type: "none", username });
      ways.push({ what: "the agent's keys", methods: ["publickey"], same: "agent", login });
    }
    const { password } = credentials;
    if (password !== undefined) {
      const login = (method: string): AnyAuthMethod =>
        method === "password"
          ? { type: "password", username, password }
          : { type: "keyboard-interactive", username, prompt: this.#answerOnce(password) };
      ways.push({
        what: "the password",
        methods: ["password", "keyboard-interactive"],
        same: `password ${password}`,
        login,
      });
    }
    return ways;
  }

  /** The password is the answer to one hidden question; any other question needs a person. */
  #answerOnce(password: string) {
    let answered = false;
    return (
      _name: string,
      text: string,
      _language: string,
      prompts: Prompt[],
      finish: (answers: string[]) => void,
    ): void => {
      if (text) this.heard(text);
      if (prompts.length === 0) {
        finish([]);
      } else if (prompts.length > 1 || prompts[0]?.echo || answered) {
        const asked = prompts.map(({ prompt }) => prompt.trim()).join(" ");
        this.fail(
          answered
            ? `${this.address} refused the password and asks again ("${asked}")`
            : `${this.address} asks for more than a password ("${asked}"); use a key`,
        );
      } else {
        answered = true;
        finish([password]);
      }
    };
  }
}

/** The whole agent, before it was asked for its keys. */
function isAgent({ what }: Way): boolean {
  return what === "the agent's keys";
}
