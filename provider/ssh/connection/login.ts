import type { AnyAuthMethod, Prompt } from "ssh2";
import { SshError } from "../error";
import { type AgentKey, agentKeys, agentPath } from "./agentKeys";
import { type Candidate, isWholeAgent } from "./candidate";
import { type ResolvedCredentials, whitespaceHints } from "./credentials";
import type { Deadline } from "./deadline";
import { LoginRecord } from "./loginRecord";
import type { Endpoint } from "./resolveTarget";

/** ssh2's authentication handler: called after each attempt for the next one. */
export type NextLogin = (
  offered: string[] | null,
  partial: boolean | null,
  next: (login: AnyAuthMethod | false) => void,
) => void;

// Servers penalise several connections that end without a login (sshd_config(5), PerSourcePenalties).
const MAX_CONNECTIONS = 3;

/**
 * Login with each credential at most once: hosts ban clients for more attempts.
 * A server may cut a login off after some attempts (sshd_config(5), MaxAuthTries). A new connection then tries the rest.
 */
export class Login {
  /** The authentication method that was tried last: the successful one after a login. */
  method = "none";
  readonly #endpoint: Endpoint;
  readonly #deadline: Deadline;
  readonly #record: LoginRecord;
  #waiting: Candidate[];
  #accepted: Candidate[] = [];
  #pending: { candidate: Candidate; sent: boolean } | undefined;
  #failure: SshError | undefined;
  #exhausted = false;
  #abort = () => {};
  #isOpen = () => true;

  /** @throws SshError `input` when the agent is the only credential and there is none */
  constructor(endpoint: Endpoint, deadline: Deadline) {
    this.#endpoint = endpoint;
    this.#deadline = deadline;
    this.#record = new LoginRecord(endpoint.address, endpoint.username);
    const all = endpoint.credentials.flatMap((each) => this.#candidatesOf(each));
    // An agent may hold many keys, so the single credentials come first.
    const sorted = [...all.filter((candidate) => !isWholeAgent(candidate)), ...all.filter(isWholeAgent)];
    const firstOf = ({ identity }: Candidate) => sorted.findIndex((each) => each.identity === identity);
    this.#waiting = sorted.filter((candidate, index) => firstOf(candidate) === index);
    if (agentPath() === undefined && this.#waiting.some(isWholeAgent)) {
      this.#waiting = this.#waiting.filter((candidate) => !isWholeAgent(candidate));
      this.#record.addNote("agent is true, but SSH_AUTH_SOCK names no ssh-agent");
      if (this.#waiting.length === 0) {
        throw new SshError("input", "agent is true, but SSH_AUTH_SOCK names no ssh-agent", { property: "agent" });
      }
    }
  }

  /** Starts on a new connection. Credentials that the last one accepted in part are sent again. */
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

  /** Whether ssh2 continues after an error that it reports, instead of ending the connection. */
  continuesAfter(error: Error): boolean {
    const { level } = error as { level?: string };
    return !this.#exhausted && (level === "agent" || level === "client-authentication");
  }

  /** Aborts the connection: the server's question cannot be answered. Other credentials may still succeed. */
  fail(text: string, property?: string): void {
    this.#failure = new SshError("authentication", text, { phase: "authentication", ...(property && { property }) });
    this.#abort();
  }

  /**
   * Records the end of a connection without a login.
   * @param reason the server's reason beyond a refusal
   * @returns whether a new connection has a candidate to try
   */
  ended(reason: string | undefined): boolean {
    if (this.#pending && !this.#failure) this.#record.addCutOff(this.#pending.candidate, reason);
    this.#pending = undefined;
    this.#record.disconnectReason = reason ?? this.#record.disconnectReason;
    return !this.#exhausted && this.#waiting.length > 0 && this.#record.connections < MAX_CONNECTIONS;
  }

  /** Records text of the server that belongs to no attempt, such as a banner. */
  addServerText(text: string): void {
    this.#record.addServerText(text);
  }

  refusal(): SshError {
    const text = this.#record.summary(this.#waiting, this.#exhausted, this.#failure?.message);
    const hints = this.#endpoint.credentials.flatMap((each) => whitespaceHints("password", each.password));
    const { property } = this.#failure ?? {};
    const details = { phase: "authentication", ...(property && { property }) } as const;
    return new SshError("authentication", [text, ...hints].join("; "), details);
  }

  async #next(offered: string[] | null, partial: boolean, next: (login: AnyAuthMethod | false) => void): Promise<void> {
    const { username } = this.#endpoint;
    if (offered === null) {
      // A request without credentials lists the server's methods, and servers count it as no failure.
      next({ type: "none", username });
      return;
    }
    const pending = this.#pending;
    const agentKey = pending?.candidate.agentKey;
    if (pending && agentKey?.awaitsSignature) {
      try {
        const login = await this.#askAgent(() => agentKey.signed(username));
        if (this.#isOpen()) next(login);
        return;
      } catch {
        this.#record.addNote("the ssh-agent did not sign with a key that the server knows");
      }
    } else if (pending && !pending.sent) {
      this.#record.addUnsent(pending.candidate);
    } else if (pending) {
      this.#record.addAnswered(pending.candidate, partial);
      if (partial) this.#accepted.push(pending.candidate);
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
    const attempt = { candidate: choice.candidate, sent: false };
    this.#pending = attempt;
    next(choice.candidate.authMethod(choice.method));
    // ssh2 calls back at once, before any answer, when it could not send the credentials.
    setImmediate(() => {
      attempt.sent = true;
    });
  }

  async #choose(offered: string[]): Promise<{ candidate: Candidate; method: string } | undefined> {
    for (;;) {
      const index = this.#waiting.findIndex(({ methods }) => methods.some((each) => offered.includes(each)));
      const [candidate] = index < 0 ? [] : this.#waiting.splice(index, 1);
      const method = candidate?.methods.find((each) => offered.includes(each));
      if (candidate === undefined || method === undefined) return undefined;
      if (!isWholeAgent(candidate)) return { candidate, method };
      this.#waiting.splice(index, 0, ...(await this.#keysOfAgent()));
    }
  }

  async #keysOfAgent(): Promise<Candidate[]> {
    let keys: AgentKey[];
    try {
      keys = await this.#askAgent(() => agentKeys(agentPath() ?? ""));
    } catch (error) {
      this.#record.addNote(`the ssh-agent that SSH_AUTH_SOCK names ${(error as Error).message}`);
      return [];
    }
    if (keys.length === 0) this.#record.addNote("the ssh-agent holds no key that can be used");
    const { username, credentials } = this.#endpoint;
    const given = new Set(credentials.map(({ key }) => key?.blob));
    return keys
      .filter(({ blob }) => !given.has(blob))
      .map((agentKey) => ({
        label: "key of the agent",
        methods: ["publickey"],
        identity: agentKey.blob,
        authMethod: () => agentKey.login(username),
        agentKey,
      }));
  }

  /** A deadline that expires meanwhile names the agent, not the host. */
  async #askAgent<T>(ask: () => Promise<T>): Promise<T> {
    this.#deadline.waitsFor = "the ssh-agent";
    try {
      return await ask();
    } finally {
      this.#deadline.waitsFor = undefined;
    }
  }

  #candidatesOf({ key, agent, password }: ResolvedCredentials): Candidate[] {
    const { username } = this.#endpoint;
    const candidates: Candidate[] = [];
    if (key !== undefined) {
      const { privateKey } = key;
      const authMethod = (): AnyAuthMethod => ({ type: "publickey", username, key: privateKey });
      candidates.push({ label: "the private key", methods: ["publickey"], identity: privateKey, authMethod });
    }
    if (agent) {
      const authMethod = (): AnyAuthMethod => ({ type: "none", username });
      candidates.push({ label: "the agent's keys", methods: ["publickey"], identity: "agent", authMethod });
    }
    if (password !== undefined) {
      const authMethod = (method: string): AnyAuthMethod =>
        method === "password"
          ? { type: "password", username, password }
          : { type: "keyboard-interactive", username, prompt: this.#answerOnce(password) };
      candidates.push({
        label: "the password",
        methods: ["password", "keyboard-interactive"],
        identity: `password ${password}`,
        authMethod,
      });
    }
    return candidates;
  }

  /** Answers one hidden question with the password. Any other question needs a person. */
  #answerOnce(password: string) {
    const { address } = this.#endpoint;
    let answered = false;
    return (
      _name: string,
      text: string,
      _language: string,
      prompts: Prompt[],
      finish: (answers: string[]) => void,
    ): void => {
      if (text) this.addServerText(text);
      if (prompts.length === 0) {
        finish([]);
      } else if (prompts.length > 1 || prompts[0]?.echo || answered) {
        const question = prompts.map(({ prompt }) => prompt.trim()).join(" ");
        this.fail(
          answered
            ? `${address} refused the password and asks again ("${question}")`
            : `${address} asks for more than a password ("${question}"); use a key`,
        );
      } else {
        answered = true;
        finish([password]);
      }
    };
  }
}
