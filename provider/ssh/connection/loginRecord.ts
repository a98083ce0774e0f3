import { printable } from "../error";
import { type Candidate, labelsOf, plural } from "./candidate";

/** The attempts of one login and their results. Its text contains observed reasons only. */
export class LoginRecord {
  connections = 0;
  /** The authentication methods that the server offered last. */
  offered: string[] = [];
  /** The server's reason for ending the connection. */
  disconnectReason: string | undefined;
  readonly #tried: Candidate[] = [];
  readonly #accepted = new Set<Candidate>();
  readonly #unsent: Candidate[] = [];
  readonly #unanswered: Candidate[] = [];
  readonly #notes = new Set<string>();
  #serverText = "";

  constructor(
    readonly address: string,
    readonly username: string,
  ) {}

  /** @param partial whether the server accepted it as one part of a login */
  addAnswered(candidate: Candidate, partial: boolean): void {
    if (partial) this.#accepted.add(candidate);
    else this.#tried.push(candidate);
  }

  /** The server and the key share no signature algorithm. */
  addUnsent(candidate: Candidate): void {
    this.#unsent.push(candidate);
  }

  /** The connection ended instead of an answer. A reason of the server counts as an answer. */
  addCutOff(candidate: Candidate, reason: string | undefined): void {
    (reason === undefined ? this.#unanswered : this.#tried).push(candidate);
  }

  addNote(text: string): void {
    this.#notes.add(text);
  }

  addServerText(text: string): void {
    this.#serverText = printable(text).slice(0, 300) || this.#serverText;
  }

  /**
   * One line about a failed login.
   * @param waiting the untried candidates
   * @param exhausted whether every candidate that the server offers a method for was tried
   * @param failure the reason why the server's question could not be answered
   */
  summary(waiting: Candidate[], exhausted: boolean, failure?: string): string {
    const parts: string[] = [];
    const add = (heading: string, candidates: Iterable<Candidate>) => {
      const labels = labelsOf([...candidates]);
      if (labels) parts.push(`${heading}: ${labels}`);
    };
    add("accepted, but not enough", this.#accepted);
    add("tried once each", this.#tried);
    add("no answer came to", this.#unanswered);
    add("not sent, as the server takes no signature of its kind", this.#unsent);
    const attempts = this.#tried.length + this.#unanswered.length + this.#accepted.size;
    if (attempts + this.#unsent.length === 0 && failure === undefined) parts.push("nothing given fits");
    parts.push(...this.#notes);
    const [times, on] = [plural(attempts, "attempt"), plural(this.connections, "connection")];
    add(exhausted ? "not tried, since not offered" : `not reached after ${times} on ${on}`, waiting);
    if (this.offered.length > 0) parts.push(`the server offers: ${this.offered.join(", ")}`);
    if (this.#serverText) parts.push(`its words: ${this.#serverText}`);
    return [failure ?? this.#headline(), ...parts].join("; ");
  }

  #headline(): string {
    const { address, username, disconnectReason } = this;
    if (this.#unanswered.length > 0 && this.#tried.length === 0 && !disconnectReason) {
      return `${address} ended the connection while ${username} was logging in`;
    }
    return `${address} refused the login of ${username}${disconnectReason ? ` (it said: ${disconnectReason})` : ""}`;
  }
}
