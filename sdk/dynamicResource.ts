import * as pulumi from "@pulumi/pulumi";
import { acknowledgeCreate } from "./acknowledgeCreate";
import { assertResolvableByHost } from "./hostResolution";
import { providerFor } from "./provider";
import { ensureStackFrames, filterStackFrames, LastTransformation, providerText, setId } from "./pulumiInternals";

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
    assertResolvableByHost();
    const props = {
      ...Object.fromEntries(outputs.map((output) => [output, undefined])),
      ...args,
      ...markedSecret(args, secrets),
      // Whose it is, which the host tells to nobody. A resource that is only read needs none.
      ...(opts.id === undefined && { __origin: `${pulumi.getStack()}/${name}` }),
      __provider: providerText(type),
    };
    const additionalSecretOutputs = [...(opts.additionalSecretOutputs ?? []), ...secrets];
    const provider = providerFor(opts);
    let restoreFrames = () => {};
    const last = new LastTransformation(opts.transformations, withHiddenOptions, () => {
      restoreFrames = filterStackFrames();
    });
    const all = { ...opts, provider, additionalSecretOutputs, transformations: last.list };
    try {
      super(`borgbase:index:${type}`, name, withHiddenOptions({ props, opts }).props, all);
    } catch (error) {
      restoreFrames();
      throw ensureStackFrames(error);
    } finally {
      restoreFrames();
    }
    if (last.isBypassed()) warnOfOptions(this);
    if (RECOVERED_TYPES.has(type) && opts.id === undefined) acknowledgeCreate(this, type, name, provider);
    // A preview knows the id of what is taken over, and so can tell what that changes of others.
    const { existingId } = { ...args } as { existingId?: string };
    if (existingId !== undefined) setId(this, existingId);
  }
}

/** What is added to an account, where it could be added twice. */
const RECOVERED_TYPES = new Set(["SshKey", "Repo"]);

/** The engine acts on these by what a provider says of single properties, which a dynamic one cannot do. */
function withHiddenOptions({ props, opts }: { props: pulumi.Inputs; opts: pulumi.CustomResourceOptions }) {
  const { id, ignoreChanges = [], replaceOnChanges = [] } = opts;
  const { __ignoreChanges, __replaceOnChanges, ...given } = props;
  const hidden = {
    ...(ignoreChanges.length > 0 && { __ignoreChanges: ignoreChanges }),
    ...(replaceOnChanges.length > 0 && { __replaceOnChanges: replaceOnChanges }),
  };
  return { props: { ...given, ...(id === undefined && hidden) }, opts };
}

const warned = new WeakSet<object>();

/** Once per stack. What the engine itself does with these options remains. */
function warnOfOptions(resource: DynamicResource): void {
  const stack = pulumi.runtime.getStackResource() ?? DynamicResource;
  if (warned.has(stack)) return;
  warned.add(stack);
  pulumi.log.warn(
    "pulumi-borgbase does not see the options that transformations of parents and of the stack add with this version of " +
      "@pulumi/pulumi: ignoreChanges from there does not keep changes made outside the program, replaceOnChanges " +
      "replaces nothing. Give both to each resource itself.",
    resource,
  );
}

/** The engine marks outputs by their names alone: an argument that is given in plain would stay so in the state's inputs. */
function markedSecret(args: object = {}, secrets: readonly string[]): pulumi.Inputs {
  const given = Object.entries(args).filter(([name, value]) => secrets.includes(name) && value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, pulumi.secret(value)]));
}
