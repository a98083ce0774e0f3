import { printable } from "../error";
import type { Way } from "./login";

/** What was tried at one login and what came of it: every reason in its text was seen. */
export class LoginRecord {
  connections = 0;
  /** The methods that the server offered last. */
  offered: string[] = [];
  /** What the server said when it ended the connection. */
  said: string | undefined;
  readonly #tried: Way[] = [];
  readonly #accepted = new Set<Way>();
  readonly #unsent: Way[] = [];
  readonly #unanswered: Way[] = [];
  readonly #notes = new Set<string>();
  #words = "";

  constructor(
    readonly address: string,
    readonly username: string,
  ) {}

  answered(way: Way, isPartOfLogin: boolean): void {
    if (isPartOfLogin) this.#accepted.add(way);
    else this.#tried.push(way);
  }

  /** The server and the key share no signature algorithm. */
  unsent(way: Way): void {
    this.#unsent.push(way);
  }

  /** The connection ended in the place of an answer: with words of the server that is one too. */
  cutOff(way: Way, said: string | undefined): void {
    (said === undefined ? this.#unanswered : this.#tried).push(way);
  }

  note(text: string): void {
    this.#notes.add(text);
  }

  heard(text: string): void {
    this.#words = printable(text).slice(0, 300) || this.#words;
  }

  /**
   * One line about a login that did not succeed.
   * @param waiting what was not tried
   * @param asked whether the server was offered all that fits
   * @param failure why the server could not be answered
   */
  text(waiting: Way[], asked: boolean, failure?: string): string {
    const parts: string[] = [];
    const add = (label: string, ways: Iterable<Way>) => {
      const names = namesOf([...ways]);
      if (names) parts.push(`${label}: ${names}`);
    };
    add("accepted, but not enough", this.#accepted);
    add("tried once each", this.#tried);
    add("no answer came to", this.#unanswered);
    add("not sent, as the server takes no signature of its kind", this.#unsent);
    const attempts = this.#tried.length + this.#unanswered.length + this.#accepted.size;
    if (attempts + this.#unsent.length === 0 && failure === undefined) parts.push("nothing given fits");
    parts.push(...this.#notes);
    const [times, on] = [plural(attempts, "attempt"), plural(this.connections, "connection")];
    add(asked ? "not tried, since not offered" : `not reached after ${times} on ${on}`, waiting);
    if (this.offered.length > 0) parts.push(`the server offers: ${this.offered.join(", ")}`);
    if (this.#words) parts.push(`its words: ${this.#words}`);
    return [failure ?? this.#headline(), ...parts].join("; ");
  }

  #headline(): string {
    const { address, username } = this;
    const words = this.said ? ` (it said: ${this.said})` : "";
    if (this.#unanswered.length > 0 && this.#tried.length === 0 && !this.said) {
      return `${address} ended the connection while ${username} was logging in`;
    }
    return `${address} refused the login of ${username}${words}`;
  }
}

function namesOf(ways: Way[]): string {
  const ofAgent = ways.filter(({ what }) => what === "key of the agent").length;
  const names = ways.filter(({ what }) => what !== "key of the agent").map(({ what }) => what as string);
  return [...names, ...(ofAgent > 0 ? [plural(ofAgent, "key", " of the agent")] : [])].join(", ");
}

function plural(count: number, what: string, rest = ""): string {
  return `${count} ${what}${count === 1 ? "" : "s"}${rest}`;
}
