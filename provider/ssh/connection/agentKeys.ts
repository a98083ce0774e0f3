import { createRequire } from "node:module";
import type { BaseAgent, ParsedKey, PublicKeyAuthMethod } from "ssh2";

const ANSWER_MILLISECONDS = 5000;

/** Where the ssh-agent of this process listens; undefined when there is none. */
export function agentPath(): string | undefined {
  return process.env.SSH_AUTH_SOCK || (process.platform === "win32" ? "pageant" : undefined);
}

/**
 * The keys that an agent holds, of the kinds that can be used here.
 * @throws Error with words for a person: nobody listens, or it does not answer within 5 s
 */
export async function agentKeys(path: string): Promise<AgentKey[]> {
  // Loaded here only: most logins ask no agent.
  const { createAgent, utils } = createRequire(__filename)("ssh2") as typeof import("ssh2");
  const agent = createAgent(path);
  const found = await new Promise<unknown[]>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("does not answer")), ANSWER_MILLISECONDS);
    agent.getIdentities((error, keys) => {
      clearTimeout(timer);
      if (error) reject(new Error("cannot be reached", { cause: error }));
      else resolve(keys ?? []);
    });
  });
  return found
    .map((key) => utils.parseKey(key as string))
    .filter((key): key is ParsedKey => !(key instanceof Error))
    .map((key) => new AgentKey(agent, key));
}

/** Stands for a signature that the agent has yet to make; ssh2 reports it as an error and goes on. */
export class SignatureAwaited extends Error {}

/**
 * One key of an agent, as a login of its own: ssh2 would offer all keys in one go and forget what the server answers to
 * the one that is accepted. ssh2 wants signatures at once, so the first call only notes what is to be signed.
 */
export class AgentKey {
  readonly blob: string;
  readonly #agent: BaseAgent;
  readonly #key: ParsedKey;
  #asked: { data: Buffer; hash: string | undefined } | undefined;
  #signature: Buffer | undefined;

  constructor(agent: BaseAgent, key: ParsedKey) {
    this.#agent = agent;
    this.#key = key;
    this.blob = key.getPublicSSH().toString("base64");
  }

  /** The server knows the key and waits for a signature. */
  get awaitsSignature(): boolean {
    return this.#asked !== undefined && this.#signature === undefined;
  }

  login(username: string): PublicKeyAuthMethod {
    this.#asked = undefined;
    return this.#with(username);
  }

  /** Asks the agent, which may ask a person; then the same login again, now with its signature. */
  async signed(username: string): Promise<PublicKeyAuthMethod> {
    const { data, hash } = this.#asked ?? { data: Buffer.alloc(0), hash: undefined };
    this.#signature = await new Promise<Buffer>((resolve, reject) => {
      this.#agent.sign(this.#key, data, hash === undefined ? {} : { hash: hash as "sha256" }, (error, signature) =>
        error || !signature ? reject(error ?? new Error("no signature")) : resolve(signature),
      );
    });
    return this.#with(username);
  }

  #with(username: string): PublicKeyAuthMethod {
    const sign = (data: Buffer, hash?: string): Buffer | Error => {
      if (this.#signature && this.#asked?.data.equals(data)) return this.#signature;
      this.#signature = undefined;
      this.#asked = { data: Buffer.from(data), hash };
      return new SignatureAwaited();
    };
    const key: ParsedKey = Object.create(this.#key, { isPrivateKey: { value: () => true }, sign: { value: sign } });
    return { type: "publickey", username, key };
  }
}
