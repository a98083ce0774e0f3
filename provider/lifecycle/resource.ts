import type { z } from "zod";
import type { Api } from "../api";
import type { Failure } from "../errors";
import type { Input, ResourceDescription } from "../schema/define";
import type { DeploymentMemory } from "./deploymentMemory";

/** Stands for a value that is not known before the deployment has run. Hosts put it where the engine has its own sign. */
export const UNKNOWN: unique symbol = Symbol("unknown");

/** The arguments of a resource, as check and diff see them. */
export type Fields<Inputs> = { [K in keyof Required<Inputs>]: Input<z.ZodType<Exclude<Inputs[K], undefined>>> };

/** Arguments or outputs by name; values may hold {@link UNKNOWN}. */
export type Properties = Record<string, unknown>;

// A resource's own types end here: engines pass untyped values, which \`check\` has validated against the schema.
export type AnyResource = Resource<Properties, Properties>;
export type AnyFields = Fields<Properties>;

/** What a resource may use while it works. */
export interface Context {
  /** The account; made on first use, so that a resource that needs no account needs no token. */
  api(): Promise<Api>;
  /** The name of the resource in the program. */
  name: string;
  /** Project, stack and name, where the host knows them: for finding again what an interrupted run added. */
  origin?: string;
  /** Property paths whose change makes a new object, as the program's `replaceOnChanges` says. */
  replaceOnChanges?: readonly string[];
  /** What this run has shown so far of the program and the state. */
  memory?: DeploymentMemory;
  /** A line for the person at the screen, beside the resource's progress. */
  log(line: string): void;
}

/** What became of a creation. */
export interface Created<State> {
  id: string;
  state: State;
  /** An interrupted run had made it already. */
  recovered?: boolean;
  /** Ids of unused objects with the same arguments that no state is known to hold. An interrupted run may have left them. */
  possibleDuplicates?: string[];
}

/** What is to be replaced. */
export interface ReplaceTarget<Inputs> {
  /** Absent where the engine does not say which object it is. */
  id: string | undefined;
  /** As of the last deployment, but for those of the program that count at once. */
  args: Partial<Inputs>;
}

/** Why an object is deleted. */
export interface DeleteContext {
  /** The program declares a resource of that name; else it was taken out, or all is destroyed and no program runs. */
  isDeclared: boolean;
  /** The object that the resource is by now. */
  replacedBy: string | undefined;
  /** What the program says of the deletion, also where it does not count yet. */
  settings: Readonly<Record<string, unknown>>;
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
  /** Lines that say what adopting an existing object will change. Asked once, before the resource is created. */
  previewAdoption?(inputs: Partial<Inputs>, unknown: ReadonlySet<string>, context: Context): Promise<string[]>;
  /**
   * Throws a `refused` error where a replacement must not be made. The only I/O that a diff may do, and a check that the
   * engine makes for a replacement of its own; `changed` is empty then.
   */
  assertReplaceAllowed?(old: ReplaceTarget<Inputs>, changed: (keyof Inputs)[], context: Context): Promise<void>;
  create(inputs: Inputs, context: Context): Promise<Created<State>>;
  /** The state as it is now, or undefined when the object is gone. `state` is empty when all that is known is the id. */
  read(id: string, state: Partial<State>, context: Context): Promise<State | undefined>;
  update(id: string, state: State, inputs: Inputs, context: Context): Promise<State>;
  /** What tells the object from others where its id does not. */
  objectKey?(state: State): string;
  /** Succeeds when the object is gone already. */
  delete(id: string, state: State, context: Context, circumstances: DeleteContext): Promise<void>;
}
