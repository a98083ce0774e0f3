/*
 * All that programs rely on inside Pulumi's SDK, beyond what it documents. Each entry cites what it relies on, as seen in
 * @pulumi/pulumi 3.270.0, looks whether it is there, and says what remains without it.
 */
import { dirname, sep } from "node:path";
import * as pulumi from "@pulumi/pulumi";

/**
 * The engine's name for the dynamic provider host (`cmd/resource-pulumi-nodejs` of the SDK). Without a host of that name
 * the engine itself refuses the provider resource.
 */
export const HOST_PACKAGE = "pulumi-nodejs";

/**
 * The text that Pulumi keeps with each resource and loads its provider from, as the property `__provider`
 * (`cmd/dynamic-provider/index.js`, `getProvider`). It captures nothing, so it is the same over releases and programs; the
 * entry that it names never moves.
 */
export const providerText = (type: string) => `exports.handler=()=>require("pulumi-borgbase/dynamic").host("${type}")`;

/**
 * Whether the language host runs this program (`cmd/run/index.js`), and so in the folder from which the provider process
 * resolves modules too. Not so for inline programs and unit tests.
 */
export function isRunByLanguageHost(): boolean {
  const entry = require.main?.filename ?? process.argv[1] ?? "";
  return /[\\/]@pulumi[\\/]pulumi[\\/]cmd[\\/]run([\\/]|$)/.test(entry);
}

/** With this variable the engine saves its state once, at the end of the run (pulumi/pulumi, `sdk/go/common/env`). */
export function savesOnlyAtTheEnd(): boolean {
  return /^(1|true)$/i.test(process.env.PULUMI_SKIP_CHECKPOINTS ?? "");
}

/**
 * Waits until the engine has answered all that the program registers, its stack's outputs at last (`runtime/stack.js`,
 * `Stack.initialize`; `runtime/settings.js`, `waitForRPCs`), and says whether it did: the SDK notes an engine that is gone
 * (`runtime/state.js`, `terminated`). Where the SDK has no such members, it says so at once.
 */
export async function isRegisteredWhole(): Promise<boolean> {
  const { getStackResource, waitForRPCs } = pulumi.runtime as unknown as {
    getStackResource?: () => { outputs?: pulumi.Output<unknown> } | undefined;
    waitForRPCs?: () => Promise<void>;
  };
  const outputs = getStackResource?.()?.outputs;
  const store = storeOfProgram();
  if (!outputs || !waitForRPCs || typeof store?.terminated !== "boolean") return true;
  // A program that throws has registered, too, what it will.
  await innerOf(outputs)
    .promise?.()
    .catch(() => {});
  await waitForRPCs();
  return !store.terminated;
}

function storeOfProgram(): { terminated?: unknown } | undefined {
  try {
    const { getStore } = require("@pulumi/pulumi/runtime/state") as { getStore?: () => { terminated?: unknown } };
    return getStore?.();
  } catch {
    return undefined;
  }
}

/** What answers in a unit test after `pulumi.runtime.setMocks` (`runtime/mocks.js`, `MockMonitor.mocks`), else undefined. */
export function mocksInUse(): pulumi.runtime.Mocks | undefined {
  const { getMonitor } = pulumi.runtime as { getMonitor?: () => unknown };
  const monitor = getMonitor?.() as { mocks?: pulumi.runtime.Mocks } | undefined;
  return typeof monitor?.mocks?.call === "function" ? monitor.mocks : undefined;
}

/** Members of an output that the SDK's types leave out (`output.js`, `OutputImpl`). Others than its own are outputs, too. */
interface Inner<T> {
  isKnown: Promise<boolean>;
  isSecret: Promise<boolean>;
  promise(): Promise<T>;
  allResources(): Promise<Set<pulumi.Resource>>;
}

function innerOf<T>(output: pulumi.Output<T>): Partial<Inner<T>> {
  const { isKnown, isSecret, promise, allResources } = output as unknown as Record<keyof Inner<T>, unknown>;
  return {
    ...(isKnown instanceof Promise && { isKnown }),
    ...(isSecret instanceof Promise && { isSecret }),
    ...(typeof promise === "function" && { promise: promise as Inner<T>["promise"] }),
    ...(typeof allResources === "function" && { allResources: allResources as Inner<T>["allResources"] }),
  };
}

/** The value of an output, or undefined while it is unknown; rejects where the output fails. Without the SDK's inner members, it is waited for then. */
export async function knownValue<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  const { isKnown, promise } = innerOf(output);
  if (!isKnown || !promise) return new Promise((resolve) => output.apply(resolve));
  suppressUnhandledRejections(output);
  return (await isKnown) ? promise() : undefined;
}

/** The resources that a value comes from; without the SDK's inner members, none is known. */
export async function sourcesOf(output: pulumi.Output<unknown>): Promise<pulumi.Resource[]> {
  return [...((await innerOf(output).allResources?.()) ?? [])];
}

/** An output that fails without anybody waiting for it ends no process: each of its promises counts for Node. */
export function suppressUnhandledRejections(output: pulumi.Output<unknown>): void {
  const { isKnown, isSecret, promise, allResources } = innerOf(output);
  for (const each of [isKnown, isSecret, promise?.(), allResources?.()]) each?.catch(() => {});
}

/** Gives a resource an id that a preview knows (`runtime/resource.js` sets the property in the constructor). */
export function setId(resource: pulumi.CustomResource, id: string): void {
  (resource as { id: pulumi.Output<pulumi.ID> }).id = resource.urn.apply(() => id);
}

/** Of a resource and its parents (`resource.js`, `Resource.__transformations`). */
function transformationsOf(resource: pulumi.Resource): pulumi.ResourceTransformation[] | undefined {
  const { __transformations } = resource as { __transformations?: pulumi.ResourceTransformation[] };
  return Array.isArray(__transformations) ? __transformations : undefined;
}

/**
 * A transformation of one resource that has the last word. The SDK calls what is in the resource's list one after the
 * other: what the parents and the stack add to a resource's own comes after it, so the last word is had by putting oneself
 * to the end of that list on the way (`resource.js`, constructor of `Resource`).
 */
export class LastTransformation {
  /** The resource's own, for its options. */
  readonly list: pulumi.ResourceTransformation[];
  private resource: pulumi.Resource | undefined;
  private ran = false;

  /** @param ran is called once no code of the program follows in the resource's constructor */
  constructor(own: pulumi.ResourceTransformation[] = [], transform: pulumi.ResourceTransformation, ran: () => void) {
    const last: pulumi.ResourceTransformation = (given) => {
      if (given.resource !== this.resource) return undefined;
      this.ran = true;
      ran();
      return transform(given);
    };
    // Children inherit the list, so they come along here, too.
    const appendLast: pulumi.ResourceTransformation = (given) => {
      this.resource ??= given.resource;
      if (given.resource !== this.resource) return undefined;
      transformationsOf(given.resource)?.push(last);
      return transform(given);
    };
    this.list = [...own, appendLast];
  }

  /** Whether others came after it, as the SDK went through its list another way. */
  isBypassed(): boolean {
    if (this.ran) return false;
    const all = this.resource && transformationsOf(this.resource);
    // The list holds what is inherited, and the one that was put to its end.
    return !all || all.length > this.list.length + 1;
  }
}

/**
 * Until the returned function is called, stack traces are none, or, where the SDK asks for a whole one, that of the program
 * alone. The SDK keeps the trace of each resource in the state (`resource.js`, `Resource.stackTrace`), half of it frames of
 * Node and Pulumi, and takes four more per output as a debugging aid (`runtime/debuggable.js`), of which ts-node maps each
 * frame: that was half of a program's time and a fifth of its state. No code of the program may run meanwhile.
 */
export function filterStackFrames(): () => void {
  const { stackTraceLimit, prepareStackTrace } = Error;
  if (process.env.PULUMI_DEBUG_PROMISE_LEAKS) return () => {};
  Error.stackTraceLimit = 0;
  Error.prepareStackTrace = (error, frames) => {
    const program = frames.filter(isOfProgram);
    const text = prepareStackTrace
      ? String(prepareStackTrace(error, program))
      : [String(error), ...program.map((frame) => `    at ${frame}`)].join("\n");
    const [head, ...lines] = text.split("\n");
    return [head, ...skippedFrames(frames), ...lines].join("\n");
  };
  return () => {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  };
}

/** Of an error that the SDK threw meanwhile, which names no place: where the program was. Others keep the frames they have. */
export function ensureStackFrames(error: unknown): unknown {
  if (error instanceof Error && !/\n\s+at /.test(error.stack ?? "")) Error.captureStackTrace(error, ensureStackFrames);
  return error;
}

/** The SDK leaves out its own frames at the top and one more, which it takes for the resource's constructor. */
function skippedFrames(frames: NodeJS.CallSite[]): string[] {
  const own = frames.findIndex((frame) => !fileOf(frame)?.startsWith(PULUMI));
  return Array<string>(Math.max(own, 0) + 1).fill("    at pulumi");
}

const PULUMI = dirname(require.resolve("@pulumi/pulumi/package.json")) + sep;
const OURS = __dirname + sep;

function isOfProgram(frame: NodeJS.CallSite): boolean {
  const file = fileOf(frame);
  return file !== undefined && ![PULUMI, OURS, "node:"].some((start) => file.startsWith(start));
}

function fileOf(frame: NodeJS.CallSite): string | undefined {
  return frame.getFileName()?.replace("file://", "");
}
