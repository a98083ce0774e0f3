import * as pulumi from "@pulumi/pulumi";
import { confirmAddition } from "./confirmAddition";
import { tellProgramFramesAlone } from "./programFrames";
import { providerFor } from "./provider";

/**
 * The text that Pulumi keeps with each resource and loads its provider from. It captures nothing, so it is the same over
 * releases and programs; the entry that it names never moves.
 */
const providerText = (type: string) => `exports.handler=()=>require("pulumi-borgbase/dynamic").host("${type}")`;

/** A resource of the tokens `borgbase:index:…`, served by Pulumi's dynamic provider host. */
export abstract class DynamicResource extends pulumi.CustomResource {
  /**
   * @param outputs the names of all outputs
   * @param secrets arguments and outputs that must be encrypted wherever they go
   */
  protected constructor(
    type: string,
    name: string,
    args: object | undefined,
    outputs: readonly string[],
    secrets: readonly string[],
    opts: pulumi.CustomResourceOptions = {},
  ) {
    const props = {
      ...Object.fromEntries(outputs.map((output) => [output, undefined])),
      ...args,
      ...encrypted(args, secrets),
      // Whose it is, which the host tells to nobody. A resource that is only read needs none.
      ...(opts.id === undefined && { __origin: `${pulumi.getStack()}/${name}` }),
      __provider: providerText(type),
    };
    const additionalSecretOutputs = [...(opts.additionalSecretOutputs ?? []), ...secrets];
    const provider = providerFor(opts);
    const transformations = [...(opts.transformations ?? []), atLast];
    const all = { ...opts, provider, additionalSecretOutputs, transformations };
    const tellAllFrames = tellProgramFramesAlone();
    try {
      super(`borgbase:index:${type}`, name, props, all);
    } catch (error) {
      tellAllFrames();
      if (error instanceof Error) Error.captureStackTrace(error);
      throw error;
    } finally {
      tellAllFrames();
    }
    if (ADDED.has(type) && opts.id === undefined) confirmAddition(this, type, name, provider);
    // A preview knows the id of what is taken over, and so can tell what that changes of others.
    const { existingId } = { ...args } as { existingId?: string };
    if (existingId !== undefined) (this as { id: pulumi.Output<pulumi.ID> }).id = this.urn.apply(() => existingId);
  }
}

/** What is added to an account, where it could be added twice. */
const ADDED = new Set(["SshKey", "Repo"]);

/**
 * The SDK calls what is in this list one after the other: what the parents and the stack add to a resource's own comes
 * after it, so the last word is had by putting oneself to the end.
 */
const atLast: pulumi.ResourceTransformation = ({ resource }) => {
  if (resource instanceof DynamicResource) {
    (resource as unknown as { __transformations: pulumi.ResourceTransformation[] }).__transformations.push(tellOptions);
  }
  return undefined;
};

/** The engine acts on these by what a provider tells of single properties, which a dynamic one cannot do. */
const tellOptions: pulumi.ResourceTransformation = ({ resource, props, opts }) => {
  const { id, ignoreChanges = [], replaceOnChanges = [] } = opts as pulumi.CustomResourceOptions;
  if (!(resource instanceof DynamicResource) || id !== undefined) return undefined;
  const told = {
    ...(ignoreChanges.length > 0 && { __ignoreChanges: ignoreChanges }),
    ...(replaceOnChanges.length > 0 && { __replaceOnChanges: replaceOnChanges }),
  };
  return { props: { ...props, ...told }, opts };
};

/** The engine marks outputs by their names alone: an argument that is given in plain would stay so in the state's inputs. */
function encrypted(args: object = {}, secrets: readonly string[]): pulumi.Inputs {
  const given = Object.entries(args).filter(([name, value]) => secrets.includes(name) && value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, pulumi.secret(value)]));
}
