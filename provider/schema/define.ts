import type { z } from "zod";
import { lazy } from "../lazy";

/** The schema library, handed to a declaration on first use: programs that only declare resources never load it. */
export type Zod = typeof z;

/** GraphQL types of BorgBase's API that a field maps to one to one, under its own name. */
export type ApiType = "Int" | "Boolean" | "String" | "[String]";

interface Documented {
  /** Markdown, whole sentences: the meaning of the value. Default, unit and secrecy are added from their own fields. */
  description: string;
  /** Of a number: `MB`, `days`. */
  unit?: string;
  /** Encrypted in the state, masked in output, and never printed in a failure. */
  secret?: boolean;
  /** Arguments whose update changes this output too: a preview then shows it as unknown. */
  changesWith?: readonly string[];
}

/** Input of a computed default: the argument's last value, the other arguments, and the resource's own name. */
export interface DefaultContext {
  old: unknown;
  inputs: Readonly<Record<string, unknown>>;
  context: { name: string };
}

/** Both sides of a comparison, for arguments whose equality depends on others. */
export interface Whole {
  inputs: object;
  state: object;
}

export interface InputOptions<T> extends Documented {
  /**
   * Sent at creation when unset, and restored when an argument is removed from the program. Left out: a removed argument
   * keeps the value that the resource has.
   */
  default?: T | ((unset: DefaultContext) => T | undefined);
  /** The default in words, where a value cannot show it. */
  defaultDescription?: string;
  /** Managed although unset: the value that the program then means. */
  managedDefault?: T;
  /** A change replaces the resource. */
  forceNew?: boolean;
  /** Whether a change replaces the resource, where only a part of the value identifies it. */
  replacesIf?(declared: T, actual: unknown): boolean;
  /** Describes a way to connect: a change of it alone changes nothing. */
  connectionOnly?: boolean;
  /**
   * Steers the deletion of the object. A pending deletion follows what the program sets today: `now` in the run that sets
   * it, `next` only for an object that an earlier run has replaced. The default always counts in the run that sets it.
   */
  steersDeletion?: "now" | "next";
  /** Names the object to adopt: read at creation only, later it can only be the resource's own id. */
  adoptId?: boolean;
  /** The output is another form of the argument: a preview shows it as unknown. */
  normalized?: boolean;
  /** A plain value of the program, never an output of another resource. */
  plain?: boolean;
  /** Whether the program's value is what the state holds; default: deeply equal. */
  equals?(declared: T, actual: unknown, whole: Whole): boolean | Promise<boolean>;
  /** The public type, where the schema accepts more than it documents. */
  documentedAs?: z.ZodType;
}

/** Whether an argument is an output too: always set, set when the program sets it, or none. */
export type OutputMode = "always" | "whenSet" | "never";

/** The flags that types are derived from; all else of a declaration is plain data. */
export interface Input<
  S extends z.ZodType = z.ZodType,
  Required extends boolean = boolean,
  Mode extends OutputMode = OutputMode,
  Api extends ApiType = ApiType,
> extends InputOptions<z.output<S>> {
  kind: "input";
  schema: S;
  required?: Required;
  output?: Mode;
  /** Maps to the API's field of the same name. Left out: `remote.ts` of the resource reads and writes it. */
  api?: Api;
}

export interface Output<S extends z.ZodType = z.ZodType, Api extends ApiType = ApiType> extends Documented {
  kind: "output";
  schema: S;
  /** As of an {@link Input}. */
  api?: Api;
}

/** Any argument or output, for code that works on all of them. */
export type Field = Input | Output;

/** Any set of fields. Looser than {@link Field}, so that the flags of each are inferred from its own call. */
export type Declarations = Record<string, { kind: "input" | "output"; schema: z.ZodType; description: string }>;

/** An argument; unless its `output` says otherwise, it is an output too. */
export function input<
  S extends z.ZodType,
  const Required extends boolean = false,
  const Mode extends OutputMode = "always",
  const Api extends ApiType = never,
>(
  schema: S,
  options: InputOptions<z.output<S>> & { required?: Required; output?: Mode; api?: Api },
): Input<S, Required, Mode, Api> {
  return { ...options, kind: "input", schema };
}

/** A value that only the provider knows. A schema that admits `undefined` declares an output that may be missing. */
export function output<S extends z.ZodType, const Api extends ApiType = never>(
  schema: S,
  options: Documented & { api?: Api },
): Output<S, Api> {
  return { ...options, kind: "output", schema };
}

/** Facts about a resource as a whole, for its generated class, package schema and reference page. */
export interface ResourceDescription {
  /** Its name as programs write it: `Repo`, `borgui.Connection`. */
  type: string;
  /** Markdown. The first sentence is a definition. */
  description: string;
  /** Errors that a user may meet, each a sentence. */
  errors?: readonly string[];
  /** How an existing object is brought under management. */
  import: string;
  /** Effect of `get`. */
  get: string;
  /** A short program, shown on hover. */
  example?: string;
  /** How a list is filtered, where objects of this kind can be listed. */
  listBy?: "name";
}

export interface ResourceSchema<D extends Declarations> extends ResourceDescription {
  /** All arguments and outputs, in the order of the documentation. Built once. */
  declarations(zod: Zod): D;
  /** The arguments alone. Loads the schema library on first use. */
  fields(): Promise<{ [K in InputNames<D>]: D[K] }>;
  /** Arguments and outputs, for code that works on any resource. */
  allFields(): Promise<Record<string, Field>>;
}

/** Declares a resource: validation, defaults, diff, API mapping, SDK, package schema and reference follow from it. */
export function defineResource<D extends Declarations>(
  description: ResourceDescription,
  declare: (zod: Zod) => D,
): ResourceSchema<D> {
  let declarations: D | undefined;
  const build = (zod: Zod): D => {
    declarations ??= declare(zod);
    return declarations;
  };
  return {
    ...description,
    declarations: build,
    fields: lazy(async () => {
      const { z } = await import("../zod.js");
      return inputsOf(build(z));
    }),
    async allFields() {
      const { z } = await import("../zod.js");
      return build(z) as unknown as Record<string, Field>;
    },
  };
}

/** The value that an unset argument gets: at creation, and when it is removed from the program. */
export function defaultOf(field: Input, unset: DefaultContext): unknown {
  return typeof field.default === "function" ? field.default(unset) : field.default;
}

function inputsOf<D extends Declarations>(declarations: D): { [K in InputNames<D>]: D[K] } {
  const inputs = Object.entries(declarations).filter(([, field]) => field.kind === "input");
  return Object.fromEntries(inputs) as { [K in InputNames<D>]: D[K] };
}

type InputNames<D> = { [K in keyof D]: D[K] extends { kind: "input" } ? K : never }[keyof D];
type IsRequired<F> = F extends { kind: "input"; required?: infer R } ? (true extends R ? true : false) : false;
type RequiredNames<D> = { [K in keyof D]: IsRequired<D[K]> extends true ? K : never }[keyof D];
type ValueOf<F> = F extends { schema: infer S extends z.ZodType } ? z.output<S> : never;

/** The arguments of a declaration, as the provider works with them. */
export type InputsOf<T> =
  T extends ResourceSchema<infer D>
    ? Simplify<
        { [K in RequiredNames<D>]: ValueOf<D[K]> } & {
          [K in Exclude<InputNames<D>, RequiredNames<D>>]?: ValueOf<D[K]>;
        }
      >
    : never;

type ModeOf<F> = F extends { kind: "input"; output?: infer Mode } ? Exclude<Mode, undefined> : "always";
type StateNames<D> = { [K in keyof D]: ModeOf<D[K]> extends "never" ? never : K }[keyof D];
type IsOptional<F> = ModeOf<F> extends "whenSet" ? true : undefined extends ValueOf<F> ? true : false;
type OptionalNames<D> = { [K in StateNames<D>]: IsOptional<D[K]> extends true ? K : never }[StateNames<D>];

/** The outputs of a declaration, as the state holds them. */
export type StateOf<T> =
  T extends ResourceSchema<infer D>
    ? Simplify<
        { [K in Exclude<StateNames<D>, OptionalNames<D>>]: ValueOf<D[K]> } & {
          [K in OptionalNames<D>]?: Exclude<ValueOf<D[K]>, undefined>;
        }
      >
    : never;

/** The values of all fields that map to the API one to one, as the API holds them. */
export type ApiValuesOf<T> =
  T extends ResourceSchema<infer D>
    ? { [K in keyof D as D[K] extends { api?: infer A } ? ([A] extends [never] ? never : K) : never]: ValueOf<D[K]> }
    : never;

type Simplify<T> = { [K in keyof T]: T[K] } & {};

export interface FunctionDescription {
  /** Its name as programs write it: `getRepo`, `borgui.getServer`. */
  name: string;
  /** Markdown. The first sentence names the result. */
  description: string;
  /** Exactly one of the arguments is given, else the error is {@link argsError}. */
  oneOf?: boolean;
  /** Error for arguments of another shape. */
  argsError?: string;
  /** Name and description of the public type of the arguments. */
  args?: string;
  argsDescription?: string;
  /** Name and description of the public type of the result. */
  result: string;
  resultDescription: string;
  /** The function returns a list. Languages that need an object get it under this name. */
  list?: string;
  /** Errors that a user may meet, each a sentence. */
  errors?: readonly string[];
}

export interface FunctionSchema<Args extends Declarations = Declarations, Result extends Declarations = Declarations>
  extends FunctionDescription {
  declarations(zod: Zod): { args: Args; result: Result };
  /** Validates arguments. Loads the schema library on first use. */
  parser(): Promise<z.ZodType<ArgsOf<FunctionSchema<Args, Result>>>>;
}

/** Declares a data function: validation, SDK, package schema and reference follow from it. */
export function defineFunction<Args extends Declarations, Result extends Declarations>(
  description: FunctionDescription,
  declare: (zod: Zod) => { args: Args; result: Result },
): FunctionSchema<Args, Result> {
  return {
    ...description,
    declarations: declare,
    parser: lazy(async () => {
      const { z } = await import("../zod.js");
      const fields = Object.entries(declare(z).args as Record<string, Field>);
      const error = description.argsError;
      const parser = description.oneOf
        ? z.union(
            fields.map(([name, { schema }]) => z.strictObject({ [name]: schema })),
            { error },
          )
        : z.strictObject(
            Object.fromEntries(
              fields.map(([name, field]) => [
                name,
                field.kind === "input" && field.required ? field.schema : field.schema.optional(),
              ]),
            ),
            error === undefined ? {} : { error },
          );
      return parser as unknown as z.ZodType<ArgsOf<FunctionSchema<Args, Result>>>;
    }),
  };
}

/** The arguments of a declared function. */
export type ArgsOf<T> =
  T extends FunctionSchema<infer Args, Declarations>
    ? Simplify<
        { [K in RequiredNames<Args>]: ValueOf<Args[K]> } & {
          [K in Exclude<keyof Args, RequiredNames<Args>>]?: ValueOf<Args[K]> | undefined;
        }
      >
    : never;

/** One result of a declared function; a function that lists returns many. */
export type ResultOf<T> =
  T extends FunctionSchema<Declarations, infer Result>
    ? Simplify<
        { [K in Exclude<keyof Result, OptionalNames<Result>>]: ValueOf<Result[K]> } & {
          [K in OptionalNames<Result> & keyof Result]?: Exclude<ValueOf<Result[K]>, undefined>;
        }
      >
    : never;
