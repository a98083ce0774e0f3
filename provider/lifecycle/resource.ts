import type { z } from "zod";
import type { Api } from "../api";
import type { BorgUi } from "../borgui";
import type { Failure } from "../errors";
import type { Field, Input, ResourceDescription } from "../schema/define";
import type { DeploymentMemory } from "./deploymentMemory";

/** A value that is unknown until the deployment. Hosts translate the engine's own mark to it. */
export const UNKNOWN: unique symbol = Symbol("unknown");

/** Declarations of the arguments of a resource. */
export type Fields<Inputs> = { [K in keyof Required<Inputs>]: Input<z.ZodType<Exclude<Inputs[K], undefined>>> };

/** Arguments or outputs by name; values may hold {@link UNKNOWN}. */
export type Properties = Record<string, unknown>;

// Untyped, as engines pass untyped values; `check` has validated them against the schema.
export type AnyResource = Resource<Properties, Properties>;
export type AnyFields = Fields<Properties>;

/** Surroundings of one call. */
export interface Context {
  /** The account. Connects on first use: a resource without remote objects needs no token. */
  api(): Promise<Api>;
  /** The Borg UI server. Connects on first use, too. */
  borgUi(): Promise<BorgUi>;
  /** The name of the resource in the program. */
  name: string;
  /**
   * `PROJECT/STACK/NAME`, below parents `PROJECT/STACK/PARENTS::NAME`, where the host knows them. Identifies the resource
   * within a run, and that of an interrupted create.
   */
  origin?: string;
  /** Property paths whose change replaces the object: the program's `replaceOnChanges`. */
  replaceOnChanges?: readonly string[];
  /** What earlier calls of this run have shown. */
  memory?: DeploymentMemory;
  /** Prints a line beside the resource's progress. */
  log(line: string): void;
}

/** Result of a create. */
export interface Created<State> {
  id: string;
  state: State;
  /** Whether an interrupted run had created the object. */
  recovered?: boolean;
  /** Ids of unused objects with the same arguments. An interrupted run may have left them. */
  possibleDuplicates?: string[];
  /** An object of an earlier run that could be neither adopted nor deleted. */
  kept?: { id: string; reason: string };
}

/** The object that a replacement would delete. */
export interface ReplaceTarget<Inputs> {
  /** Absent where the engine does not name the object. */
  id: string | undefined;
  /** Arguments of the last deployment, with the immediate deletion settings of the program. */
  args: Partial<Inputs>;
}

/** Reason and settings of a deletion. */
export interface DeleteContext {
  /** Whether the program declares a resource of that name. Not so after its removal, and in a destroy, where no program runs. */
  isDeclared: boolean;
  /** Id of the object that replaces it. */
  replacedBy: string | undefined;
  /** Arguments of the object that is created after this deletion: `deleteBeforeReplace`. */
  successor: Readonly<Properties> | undefined;
  /** Deletion settings of the program, also those without effect in this run. */
  settings: Readonly<Record<string, unknown>>;
}

/**
 * The operations of one resource type. `State` contains the value of every argument at the remote and all that `delete`
 * needs: `diff`, `read` and `delete` get no inputs.
 */
export interface Resource<Inputs extends object, State extends object> {
  schema: ResourceDescription & {
    fields(): Promise<Fields<Inputs>>;
    /** Arguments and outputs. */
    allFields(): Promise<Record<string, Field>>;
  };
  /**
   * Whether its arguments can change outside the program. Drift of managed arguments is shown, of others it is not.
   */
  drifts?: boolean;
  /** Whether a replacement deletes the old object first, as the service cannot have both. */
  deletesBeforeReplace?: boolean;
  /** Rules between arguments. `inputs` lacks invalid and unknown ones; `unknown` names both. No I/O. */
  rules?(
    inputs: Partial<Inputs>,
    unknown: ReadonlySet<string>,
    context: Pick<Context, "name">,
  ): Failure[] | Promise<Failure[]>;
  /** Lines that list the changes of an adoption. Called once, before create. */
  previewAdoption?(inputs: Partial<Inputs>, unknown: ReadonlySet<string>, context: Context): Promise<string[]>;
  /**
   * Guards a replacement, in a diff or in the check of a replacement of the engine's own; `changed` is empty there.
   * One of the few operations that may do I/O in either.
   * @throws `refused` or `permission`
   */
  assertReplaceAllowed?(old: ReplaceTarget<Inputs>, changed: (keyof Inputs)[], context: Context): Promise<void>;
  create(inputs: Inputs, context: Context): Promise<Created<State>>;
  /** The current state, or undefined for a deleted object. `state` is empty where only the id is known. */
  read(id: string, state: Partial<State>, context: Context): Promise<State | undefined>;
  update(id: string, state: State, inputs: Inputs, context: Context): Promise<State>;
  /** Key of the object, where its id is not unique. */
  objectKey?(state: State): string;
  /** Lists all objects of the account. */
  list?(context: Context): Promise<{ id: string; name: string }[]>;
  /** Deletes the object. Succeeds where it is deleted already. */
  delete(id: string, state: State, context: Context, circumstances: DeleteContext): Promise<void>;
}
