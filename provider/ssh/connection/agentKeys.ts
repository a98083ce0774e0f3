import { createRequire } from "node:module";
import type { BaseAgent, ParsedKey, PublicKeyAuthMethod } from "ssh2";

const ANSWER_MILLISECONDS = 5000;

/** The socket path of the ssh-agent of this process. Undefined without an agent. */
export function agentPath(): string | undefined {
  return process.env.SSH_AUTH_SOCK || (process.platform === "win32" ? "pageant" : undefined);
}

/**
 * The keys of an ssh-agent, of the supported types.
 * @throws Error when nothing listens, or no answer comes within 5 s; the message completes "the ssh-agent …"
 */
export async function agentKeys(path: string): Promise<AgentKey[]> {
  // Loaded on demand: most logins use no agent.
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

/** Placeholder for a signature that the agent has yet to make. ssh2 reports it as an error and continues. */
export class SignatureAwaited extends Error {}

/**
 * One key of an agent, as separate credentials. ssh2's agent support offers all keys at once, and loses the server's
 * answer to the accepted key. ssh2 signs synchronously, so the first call only records the data to sign.
 */
export class AgentKey {
  readonly blob: string;
  readonly #agent: BaseAgent;
  readonly #key: ParsedKey;
  #request: { data: Buffer; hash: string | undefined } | undefined;
  #signature: Buffer | undefined;

  constructor(agent: BaseAgent, key: ParsedKey) {
    this.#agent = agent;
    this.#key = key;
    this.blob = key.getPublicSSH().toString("base64");
  }

  /** Whether the server knows the key and waits for a signature. */
  get awaitsSignature(): boolean {
    return this.#request !== undefined && this.#signature === undefined;
  }

  login(username: string): PublicKeyAuthMethod {
    this.#request = undefined;
    return this.#authMethod(username);
  }

  /** The same login with the agent's signature. The agent may ask a person for confirmation. */
  async signed(username: string): Promise<PublicKeyAuthMethod> {
    const { data, hash } = this.#request ?? { data: Buffer.alloc(0), hash: undefined };
    this.#signature = await new Promise<Buffer>((resolve, reject) => {
      this.#agent.sign(this.#key, data, hash === undefined ? {} : { hash: hash as "sha256" }, (error, signature) =>
        error || !signature ? reject(error ?? new Error("no signature")) : resolve(signature),
      );
    });
    return this.#authMethod(username);
  }

  #authMethod(username: string): PublicKeyAuthMethod {
    const sign = (data: Buffer, hash?: string): Buffer | Error => {
      if (this.#signature && this.#request?.data.equals(data)) return this.#signature;
      this.#signature = undefined;
      this.#request = { data: Buffer.from(data), hash };
      return new SignatureAwaited();
    };
    const key: ParsedKey = Object.create(this.#key, { isPrivateKey: { value: () => true }, sign: { value: sign } });
    return { type: "publickey", username, key };
  }
}
