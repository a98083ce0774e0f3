import { strict as assert } from "node:assert";
import { inspect } from "node:util";
import type { Emulator } from "../../emulator";
import type { Engine } from "./engine";

/** Outputs that the engine encrypts. */
const SECRET_OUTPUTS = ["htpasswd", "resticUrl"];

/** Tokens and passwords of an account. They may appear in secret outputs only. */
export class Secrets {
  readonly #known: Set<string>;

  constructor({ accounts }: Emulator) {
    this.#known = new Set(accounts.flatMap(({ tokens }) => Object.values(tokens)));
  }

  see(passwords: string[]): void {
    for (const password of passwords) this.#known.add(password);
  }

  /** @param places thrown, logged, queued and written values by their place */
  assertNone(places: Record<string, unknown>, engine: Engine): void {
    const outputs = engine.entries.map(({ name, inputs, state }) => {
      const plain = Object.entries(state).filter(([output]) => !SECRET_OUTPUTS.includes(output));
      return { name, inputs, plain };
    });
    for (const [place, content] of Object.entries({ ...places, outputs })) {
      const text = inspect(content, { depth: null, maxArrayLength: null, maxStringLength: null });
      for (const secret of this.#known) assert.ok(!text.includes(secret), `a secret is in ${place}: ${text}`);
    }
  }
}
