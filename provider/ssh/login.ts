import type { AnyAuthMethod, Prompt } from "ssh2";
import type { Credentials, Target } from "./account";
import { readKey } from "./account";
import { SshError } from "./error";

/** What ssh2 asks after each attempt: which login to try next. */
type NextLogin = (
  offered: string[] | null,
  partial: boolean | null,
  next: (login: AnyAuthMethod | false) => void,
) => void;

interface Way {
  what: string;
  /** The methods of SSH that it can serve, the preferred one first. */
  methods: string[];
  login(method: string): AnyAuthMethod;
}

/** Logs in with each credential at most once: hosts ban for more. */
export class Login {
  /** The methods that the server offered at first; empty until it was asked. */
  offered: string[] = [];
  /** The method that was tried last; it is the one that succeeded, if any did. */
  method = "none";
  readonly tried: string[] = [];
  /** Set when a login cannot go on although the server waits for an answer. */
  failure: SshError | undefined;
  readonly #ways: Way[];
  readonly #username: string;

  /**
   * @param abort is called when `failure` was set
   * @throws SshError `input` when a credential cannot be used
   */
  constructor(
    target: Target,
    readonly address: string,
    readonly abort: () => void,
  ) {
    this.#username = target.username;
    this.#ways = target.credentials.flatMap((each) => this.#prepare(each));
  }

  readonly next: NextLogin = (offered, _partial, next) => {
    if (offered === null) {
      // Asking without a credential tells what the server offers; servers do not count it as a failure.
      next({ type: "none", username: this.#username });
      return;
    }
    if (this.offered.length === 0) this.offered = offered;
    const index = this.#ways.findIndex(({ methods }) => methods.some((method) => offered.includes(method)));
    const [way] = index < 0 ? [] : this.#ways.splice(index, 1);
    const method = way?.methods.find((each) => offered.includes(each));
    if (way === undefined || method === undefined) {
      next(false);
      return;
    }
    this.method = method;
    this.tried.push(way.what);
    next(way.login(method));
  };

  /** One line about a refused login; `said` is what the server said beyond refusing. */
  refusal(said?: string): SshError {
    if (this.failure) return this.failure;
    const offers = this.offered.length > 0 ? `; the server offers: ${this.offered.join(", ")}` : "";
    const tried = this.tried.length > 0 ? `tried once each: ${this.tried.join(", ")}` : "nothing given fits";
    const untried = this.#ways.map(({ what }) => what);
    const left = untried.length > 0 ? `; not tried, since not offered: ${untried.join(", ")}` : "";
    const words = said ? ` (it said: ${said})` : "";
    const text = `${this.address} refused the login of ${this.#username}${words}; ${tried}${left}${offers}`;
    return new SshError("authentication", text, { phase: "authentication" });
  }

  #prepare(credentials: Credentials): Way[] {
    const username = this.#username;
    const ways: Way[] = [];
    const key = readKey(credentials);
    if (key !== undefined) {
      ways.push({
        what: "the private key",
        methods: ["publickey"],
        login: () => ({ type: "publickey", username, key }),
      });
    }
    if (credentials.agent) {
      const agent = process.env.SSH_AUTH_SOCK ?? (process.platform === "win32" ? "pageant" : undefined);
      if (!agent) {
        throw new SshError("input", "agent is true, but SSH_AUTH_SOCK names no ssh-agent", { property: "agent" });
      }
      ways.push({
        what: "the agent's keys",
        methods: ["publickey"],
        login: () => ({ type: "agent", username, agent }),
      });
    }
    const { password } = credentials;
    if (password !== undefined) {
      const login = (method: string): AnyAuthMethod =>
        method === "password"
          ? { type: "password", username, password }
          : { type: "keyboard-interactive", username, prompt: this.#answerOnce(password) };
      ways.push({ what: "the password", methods: ["password", "keyboard-interactive"], login });
    }
    return ways;
  }

  /** The password is the answer to one hidden question; any other question needs a person. */
  #answerOnce(password: string) {
    let answered = false;
    return (
      _name: string,
      _text: string,
      _language: string,
      prompts: Prompt[],
      finish: (answers: string[]) => void,
    ) => {
      if (prompts.length === 0) return finish([]);
      if (prompts.length > 1 || prompts[0]?.echo || answered) {
        const asked = prompts.map(({ prompt }) => prompt.trim()).join(" ");
        const text = answered
          ? `${this.address} refused the password and asks again ("${asked}")`
          : `${this.address} asks for more than a password ("${asked}"); use a key`;
        this.failure = new SshError("authentication", text, { phase: "authentication" });
        return this.abort();
      }
      answered = true;
      return finish([password]);
    };
  }
}
