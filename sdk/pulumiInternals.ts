/*
 * All dependencies on undocumented internals of Pulumi's SDK. Each entry cites the internal, as seen in @pulumi/pulumi
 * 3.270.0, detects it, and states the behaviour without it.
 */
import { dirname, sep } from "node:path";
import * as pulumi from "@pulumi/pulumi";

/**
 * The engine's name for the dynamic provider host (`cmd/resource-pulumi-nodejs` of the SDK). Without a host of that name
 * the engine refuses the provider resource.
 */
export const HOST_PACKAGE = "pulumi-nodejs";

/**
 * The property `__provider` of each resource, from which Pulumi loads the provider (`cmd/dynamic-provider/index.js`,
 * `getProvider`). It captures nothing, so it is equal in all releases and programs. The entry that it names never moves.
 */
export const providerText = (type: string) => `exports.handler=()=>require("pulumi-borgbase/dynamic").host("${type}")`;

/**
 * Whether the language host runs this program (`cmd/run/index.js`), in the folder where the provider process resolves
 * modules. False for inline programs and unit tests.
 */
export function isRunByLanguageHost(): boolean {
  const entry = require.main?.filename ?? process.argv[1] ?? "";
  return /[\\/]@pulumi[\\/]pulumi[\\/]cmd[\\/]run([\\/]|$)/.test(entry);
}

/** Whether the engine saves its state only at the end of the run (pulumi/pulumi, `sdk/go/common/env`). */
export function savesOnlyAtTheEnd(): boolean {
  return /^(1|true)$/i.test(process.env.PULUMI_SKIP_CHECKPOINTS ?? "");
}

/**
 * Waits until the engine has answered all registrations of the program, the stack's outputs last (`runtime/stack.js`,
 * `Stack.initialize`; `runtime/settings.js`, `waitForRPCs`). Returns whether it did: the SDK records a lost engine
 * (`runtime/state.js`, `terminated`). Without these members it returns true at once.
 */
export async function isRegisteredWhole(): Promise<boolean> {
  const { getStackResource, waitForRPCs } = pulumi.runtime as unknown as {
    getStackResource?: () => { outputs?: pulumi.Output<unknown> } | undefined;
    waitForRPCs?: () => Promise<void>;
  };
  const outputs = getStackResource?.()?.outputs;
  const store = storeOfProgram();
  if (!outputs || !waitForRPCs || typeof store?.terminated !== "boolean") return true;
  // A program that throws has sent all its registrations too.
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

/** The mocks of a unit test after `pulumi.runtime.setMocks` (`runtime/mocks.js`, `MockMonitor.mocks`), else undefined. */
export function mocksInUse(): pulumi.runtime.Mocks | undefined {
  const { getMonitor } = pulumi.runtime as { getMonitor?: () => unknown };
  const monitor = getMonitor?.() as { mocks?: pulumi.runtime.Mocks } | undefined;
  return typeof monitor?.mocks?.call === "function" ? monitor.mocks : undefined;
}

/** Members of an output outside the SDK's types (`output.js`, `OutputImpl`). Other implementations may lack them. */
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

/**
 * The value of an output, or undefined while it is unknown. Rejects with the output.
 * Without the inner members it waits until the value is known.
 */
export async function knownValue<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  const { isKnown, promise } = innerOf(output);
  if (!isKnown || !promise) return new Promise((resolve) => output.apply(resolve));
  suppressUnhandledRejections(output);
  return (await isKnown) ? promise() : undefined;
}

/** Resources that a value depends on. Without the inner members: none. */
export async function sourcesOf(output: pulumi.Output<unknown>): Promise<pulumi.Resource[]> {
  return [...((await innerOf(output).allResources?.()) ?? [])];
}

/** Keeps a failed output that nobody awaits from ending the process: Node checks each of its promises. */
export function suppressUnhandledRejections(output: pulumi.Output<unknown>): void {
  const { isKnown, isSecret, promise, allResources } = innerOf(output);
  for (const each of [isKnown, isSecret, promise?.(), allResources?.()]) each?.catch(() => {});
}

/** Sets an id that a preview knows (`runtime/resource.js` sets the property in the constructor). */
export function setId(resource: pulumi.CustomResource, id: string): void {
  (resource as { id: pulumi.Output<pulumi.ID> }).id = resource.urn.apply(() => id);
}

/** Transformations of a resource and its parents (`resource.js`, `Resource.__transformations`). */
function transformationsOf(resource: pulumi.Resource): pulumi.ResourceTransformation[] | undefined {
  const { __transformations } = resource as { __transformations?: pulumi.ResourceTransformation[] };
  return Array.isArray(__transformations) ? __transformations : undefined;
}

/**
 * A transformation that runs last. The SDK calls the resource's own transformations first, then those of parents and
 * stack, all from one list (`resource.js`, constructor of `Resource`). The first call appends this one to the list.
 */
export class LastTransformation {
  /** The value for the resource's option `transformations`. */
  readonly list: pulumi.ResourceTransformation[];
  private resource: pulumi.Resource | undefined;
  private ran = false;

  /** @param ran called when no more code of the program runs in the resource's constructor */
  constructor(own: pulumi.ResourceTransformation[] = [], transform: pulumi.ResourceTransformation, ran: () => void) {
    const last: pulumi.ResourceTransformation = (given) => {
      if (given.resource !== this.resource) return undefined;
      this.ran = true;
      ran();
      return transform(given);
    };
    // Children inherit the list and call this too.
    const appendLast: pulumi.ResourceTransformation = (given) => {
      this.resource ??= given.resource;
      if (given.resource !== this.resource) return undefined;
      transformationsOf(given.resource)?.push(last);
      return transform(given);
    };
    this.list = [...own, appendLast];
  }

  /** Whether other transformations ran after it, as the SDK iterates its list in another way. */
  isBypassed(): boolean {
    if (this.ran) return false;
    const all = this.resource && transformationsOf(this.resource);
    // The list contains the inherited transformations and the appended one.
    return !all || all.length > this.list.length + 1;
  }
}

/**
 * Disables stack traces until the returned function is called. A trace that the SDK requests in full contains the
 * program's frames only. The SDK stores a trace of each resource in the state (`resource.js`, `Resource.stackTrace`),
 * half of it frames of Node and Pulumi. It takes four more per output for debugging (`runtime/debuggable.js`).
 * ts-node maps each frame. All this costs half of a program's time and a fifth of its state. No code of the program may run meanwhile.
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

/** Adds the program's frames to an error of the SDK without any. Other errors keep theirs. */
export function ensureStackFrames(error: unknown): unknown {
  if (error instanceof Error && !/\n\s+at /.test(error.stack ?? "")) Error.captureStackTrace(error, ensureStackFrames);
  return error;
}

/** Placeholder frames. The SDK drops its own frames at the top, and one more as the resource's constructor. */
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
