import * as pulumi from "@pulumi/pulumi";
import { tokenOf } from "../provider/token";
import { acknowledgeCreate } from "./acknowledgeCreate";
import { assertResolvableByHost } from "./hostResolution";
import { parentTypes } from "./parentTypes";
import { pluginVersion, providerFor, usesPlugin } from "./provider";
import { ensureStackFrames, filterStackFrames, LastTransformation, providerText, setId } from "./pulumiInternals";

/** Base of all resources `borgbase:…`, served by Pulumi's dynamic provider host or by the provider plugin. */
export abstract class BorgBaseResource extends pulumi.CustomResource {
  /**
   * @param type its name as programs write it: `Repo`, `borgui.Connection`
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
    const provider = providerFor(opts);
    const isDynamic = !usesPlugin(provider);
    if (isDynamic) assertResolvableByHost();
    const props = {
      ...Object.fromEntries(outputs.map((output) => [output, undefined])),
      ...args,
      ...markedSecret(args, secrets),
      ...(isDynamic && hiddenInputs(type, name, opts)),
    };
    const additionalSecretOutputs = [...(opts.additionalSecretOutputs ?? []), ...secrets];
    let restoreFrames = () => {};
    // The engine itself acts on the options of a plugin's resources.
    const withOptions: Transformation = isDynamic ? withHiddenOptions : (given) => given;
    const last = new LastTransformation(opts.transformations, withOptions, () => {
      restoreFrames = filterStackFrames();
    });
    const plugin = isDynamic ? {} : { version: pluginVersion() };
    const all = { ...plugin, ...opts, provider, additionalSecretOutputs, transformations: last.list };
    try {
      super(tokenOf(type), name, withOptions({ props, opts }).props, all);
    } catch (error) {
      restoreFrames();
      throw ensureStackFrames(error);
    } finally {
      restoreFrames();
    }
    if (isDynamic && last.isBypassed()) warnOfOptions(this);
    if (RECOVERED_TYPES.has(type) && opts.id === undefined) acknowledgeCreate(this, type, name, provider);
    // A preview knows the id of an adopted object, so it can show the changes of dependent resources.
    const { existingId } = { ...args } as { existingId?: string };
    if (existingId !== undefined) setId(this, existingId);
  }
}

/** Types whose creates are recorded until the state contains the object. */
const RECOVERED_TYPES = new Set([
  "SshKey",
  "Repo",
  "borgui.SystemKey",
  "borgui.Key",
  "borgui.Connection",
  "borgui.Repository",
  "borgui.BackupPlan",
]);

/** Provider text, stack, logical name and types of the parents: the dynamic host passes no URN. A read needs no origin. */
function hiddenInputs(type: string, name: string, { id, parent }: pulumi.CustomResourceOptions): pulumi.Inputs {
  return {
    ...(id === undefined && { __origin: `${pulumi.getStack()}/${name}` }),
    ...(id === undefined && parent && { __parents: parentTypes(parent) }),
    __provider: providerText(type),
  };
}

type Given = { props: pulumi.Inputs; opts: pulumi.CustomResourceOptions };
type Transformation = (given: Given) => Given;

/** Passes options to the provider that the engine applies to property-wise diffs, which the dynamic host cannot give. */
function withHiddenOptions({ props, opts }: Given): Given {
  const { id, ignoreChanges = [], replaceOnChanges = [] } = opts;
  const { __ignoreChanges, __replaceOnChanges, ...visible } = props;
  const hidden = {
    ...(ignoreChanges.length > 0 && { __ignoreChanges: ignoreChanges }),
    ...(replaceOnChanges.length > 0 && { __replaceOnChanges: replaceOnChanges }),
  };
  return { props: { ...visible, ...(id === undefined && hidden) }, opts };
}

const warned = new WeakSet<object>();

/** Warns once per stack. The engine's own part of these options still applies. */
function warnOfOptions(resource: BorgBaseResource): void {
  const stack = pulumi.runtime.getStackResource() ?? BorgBaseResource;
  if (warned.has(stack)) return;
  warned.add(stack);
  void pulumi.log.warn(
    "pulumi-borgbase does not see the options that transformations of parents and of the stack add with this version of " +
      "@pulumi/pulumi: ignoreChanges from there does not keep changes made outside the program, replaceOnChanges " +
      "replaces nothing. Give both to each resource itself.",
    resource,
  );
}

/** Marks secret arguments: `additionalSecretOutputs` covers outputs only, and the state's inputs would stay plain. */
function markedSecret(args: object = {}, secrets: readonly string[]): pulumi.Inputs {
  const secretArgs = Object.entries(args).filter(([name, value]) => secrets.includes(name) && value !== undefined);
  return Object.fromEntries(secretArgs.map(([name, value]) => [name, pulumi.secret(value)]));
}
