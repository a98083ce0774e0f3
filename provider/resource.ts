import type { z } from "zod";
import type { Api } from "./api";
import type { Failure } from "./errors";
import type { Journal } from "./journal";
import type { Input, ResourceDescription } from "./schema/define";

/** Stands for a value that is not known before the deployment has run. Hosts put it where the engine has its own sign. */
export const UNKNOWN: unique symbol = Symbol("unknown");

/** The arguments of a resource, as check and diff see them. */
export type Fields<Inputs> = { [K in keyof Required<Inputs>]: Input<z.ZodType<Exclude<Inputs[K], undefined>>> };

/** What a resource may use while it works. */
export interface Context {
  /** The account; made on first use, so that a resource that needs no account needs no token. */
  api(): Promise<Api>;
  /** The name of the resource in the program. */
  name: string;
  /** Project, stack and name, where the host knows them: for finding again what an interrupted run added. */
  origin?: string;
  journal?: Journal;
  /** Property paths whose change makes a new object, as the program's `replaceOnChanges` says. */
  replaceOnChanges?: readonly string[];
  /** Accounts that the state names for the objects of this provider, as far as this run has seen them. */
  owners?: Set<string>;
  /** Objects (`TYPE ID`) that this run takes over: no other resource's deletion may take them away. */
  adopted?: Set<string>;
  /** A line for the person at the screen, beside the resource's progress. */
  log(line: string): void;
}

/** What became of a creation. */
export interface Created<State> {
  id: string;
  state: State;
  /** An interrupted run had made it already. */
  recovered?: boolean;
  /** Ids of objects just like it that nobody knows: perhaps left by an interrupted run on another machine. */
  lookalikes?: string[];
}

/**
 * A kind of resource: how the engine's questions about it are answered. `Inputs` are its arguments, `State` its outputs,
 * which hold every argument as the remote has it and all that `delete` needs: `diff`, `read` and `delete` see no inputs.
 */
export interface Resource<Inputs extends object, State extends object> {
  schema: ResourceDescription & { fields(): Promise<Fields<Inputs>> };
  /**
   * Others may change its arguments at the remote. Their values are then shown as drift where the program declares them,
   * and never where it does not.
   */
  drifts?: boolean;
  /** Rules between arguments. `inputs` lacks those that failed on their own or are unknown; `unknown` names both. No I/O. */
  rules?(inputs: Partial<Inputs>, unknown: ReadonlySet<string>): Failure[] | Promise<Failure[]>;
  /** What taking over an existing object will change: asked once, before it is created; its lines are logged. */
  adoption?(inputs: Partial<Inputs>, unknown: ReadonlySet<string>, context: Context): Promise<string[]>;
  /** Throws a `refused` error where a replacement must not be made. The only I/O that a diff may do. */
  beforeReplace?(id: string, state: State, changed: (keyof Inputs)[], context: Context): Promise<void>;
  create(inputs: Inputs, context: Context): Promise<Created<State>>;
  /** The state as it is now, or undefined when the object is gone. `state` is empty when all that is known is the id. */
  read(id: string, state: Partial<State>, context: Context): Promise<State | undefined>;
  update(id: string, state: State, inputs: Inputs, context: Context): Promise<State>;
  /** Succeeds when the object is gone already. */
  delete(id: string, state: State, context: Context): Promise<void>;
}
