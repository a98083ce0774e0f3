import { importPrivateKey } from "../../provider/ssh/keys";

/** A secret, and every place where it is known to be. */
export interface Secret {
  /** Its name in the folder `recovery/secrets`. */
  file: string;
  /** In words: what it is. */
  what: string;
  /** Undefined where nothing in the stack or the account holds it. */
  value: string | undefined;
  places: string[];
  /** Commands that read it from a place, where that may be reached still. */
  commands: string[];
}

interface Found {
  value: unknown;
  /** Wanted name of the file. */
  file: string;
  what: string;
  place: string;
  command?: string;
}

/** The secrets of a kit: equal ones are one secret in several places. */
export class Secrets {
  readonly all: Secret[] = [];
  readonly #byValue = new Map<string, Secret>();
  readonly #byFingerprint = new Map<string, Secret>();

  /** Nothing for a value that is no text, or empty. */
  add({ value, file, what, place, command }: Found): Secret | undefined {
    if (typeof value !== "string" || value === "") return undefined;
    const text = isPrivateKey(value) ? value.trim() : value;
    const secret = this.#byValue.get(text) ?? this.#make(file, what, text);
    if (!secret.places.includes(place)) secret.places.push(place);
    if (command !== undefined && !secret.commands.includes(command)) secret.commands.push(command);
    this.#byValue.set(text, secret);
    const fingerprint = fingerprintOf(text);
    if (fingerprint !== undefined) this.#byFingerprint.set(fingerprint, secret);
    return secret;
  }

  /** A secret that a person has to bring. */
  missing(file: string, what: string, place: string): Secret {
    const secret = this.#make(file, what, undefined);
    secret.places.push(place);
    return secret;
  }

  of(value: unknown): Secret | undefined {
    if (typeof value !== "string") return undefined;
    return this.#byValue.get(isPrivateKey(value) ? value.trim() : value);
  }

  /** The private half of a key. */
  keyOf(fingerprint: unknown): Secret | undefined {
    return this.#byFingerprint.get(String(fingerprint));
  }

  /** Whether a text that is no secret by itself holds one. */
  isIn(text: string): boolean {
    return this.all.some(({ value }) => value !== undefined && value.length > 3 && text.includes(value));
  }

  #make(wanted: string, what: string, value: string | undefined): Secret {
    const safe =
      wanted
        .normalize("NFKD")
        .replace(/[^A-Za-z0-9_.-]+/g, "-")
        .replace(/^[-.]+/, "") || "secret";
    let file = safe;
    for (let count = 2; this.all.some((each) => each.file === file); count++) file = `${safe}-${count}`;
    const secret: Secret = { file, what, value, places: [], commands: [] };
    this.all.push(secret);
    return secret;
  }
}

function isPrivateKey(text: string): boolean {
  return text.includes("PRIVATE KEY-----");
}

export function fingerprintOf(privateKey: string): string | undefined {
  if (!isPrivateKey(privateKey)) return undefined;
  try {
    return importPrivateKey({ privateKey }).fingerprintSha256;
  } catch {
    // Encrypted: its passphrase is a secret of its own.
    return undefined;
  }
}
