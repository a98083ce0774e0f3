import type { AnyAuthMethod } from "ssh2";
import type { AgentKey } from "./agentKeys";

/** One credential to try at a login. */
export interface Candidate {
  /** Name for messages. */
  label: "the private key" | "the password" | "the agent's keys" | "key of the agent";
  /** SSH authentication methods that can use it, in the order of preference. */
  methods: string[];
  /** Equal for equal credentials. */
  identity: string;
  authMethod(method: string): AnyAuthMethod;
  agentKey?: AgentKey;
}

/** Whether a candidate stands for the whole agent, before its keys are listed. */
export function isWholeAgent({ label }: Candidate): boolean {
  return label === "the agent's keys";
}

/** Names of candidates for a message; the keys of the agent as a number. */
export function labelsOf(candidates: Candidate[]): string {
  const ofAgent = candidates.filter(({ label }) => label === "key of the agent").length;
  const labels = candidates.filter(({ label }) => label !== "key of the agent").map(({ label }) => label as string);
  return [...labels, ...(ofAgent > 0 ? [plural(ofAgent, "key", " of the agent")] : [])].join(", ");
}

export function plural(count: number, noun: string, rest = ""): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}${rest}`;
}
