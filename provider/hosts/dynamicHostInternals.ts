/*
 * All that the provider relies on inside Pulumi's dynamic provider host, `cmd/dynamic-provider/index.js` of @pulumi/pulumi,
 * as seen in 3.270.0. The process belongs to the dynamic providers of all packages: nothing of it is changed for good.
 */

import { lazy } from "../lazy";

/** The property that holds the text of the provider (`providerKey`). In inputs and outputs; what lacks it is no state of ours. */
export const PROVIDER_TEXT = "__provider";

/** The project's name (`metadata.js`, `getProject`), from the language host's environment. Without it, an empty one. */
export function project(): string {
  return process.env.PULUMI_PROJECT ?? "";
}

/** The engine's port on this machine, which the host is started with (`main`). Undefined where it is started otherwise. */
export function enginePort(): number | undefined {
  const port = /^127\.0\.0\.1:(\d+)$/.exec(process.argv[2] ?? "")?.[1];
  return port ? Number(port) : undefined;
}

/**
 * An error whose message the engine shows, and of which the host prints nothing beside. It prints
 * `${error}: ${error.stack}` of an error of check, diff, read and delete: of this one ": ", and that line is left out, where
 * the host prints it next. Where a host prints another line, it is shown.
 */
export class QuietError extends Error {
  override readonly stack = "";
  override toString(): string {
    suppressNextWrite(": \n");
    return "";
  }
}

let isWatching = false;

/** Drops the next text for standard error, if it is this one and the code that runs now writes it before it ends. */
function suppressNextWrite(text: string): void {
  if (isWatching) return;
  isWatching = true;
  const { stderr } = process;
  const before = Object.getOwnPropertyDescriptor(stderr, "write");
  const { write } = stderr;
  const restore = () => {
    if (!isWatching) return;
    isWatching = false;
    if (before) Object.defineProperty(stderr, "write", before);
    else Reflect.deleteProperty(stderr, "write");
  };
  const watched = (...args: unknown[]): boolean => {
    restore();
    return args[0] === text || (Reflect.apply(write, stderr, args) as boolean);
  };
  Object.defineProperty(stderr, "write", { value: watched, configurable: true, writable: true });
  queueMicrotask(restore);
}

interface DeleteRequest {
  getId(): string;
  getUrn(): string;
}

/**
 * Called when the host reads a provider's `delete`, which it does to call it at once: `provider.delete(req.getId(), props)`
 * (`delete`). It hands on neither URN nor name, which are in the request: so the request that is asked for its id before
 * the code that runs now ends is remembered. A host that calls it otherwise leaves deletions without a URN.
 * @returns the URN, to be asked for once `delete` has been called
 */
export function captureDeleteUrn(): () => string | undefined {
  let found: DeleteRequest | undefined;
  restoreRequests();
  const restores = deleteRequests().map((prototype) => {
    const before = Object.getOwnPropertyDescriptor(prototype, "getId") as PropertyDescriptor;
    const { getId } = prototype;
    prototype.getId = function (this: DeleteRequest) {
      found = this;
      restoreRequests();
      return getId.call(this);
    };
    return () => Object.defineProperty(prototype, "getId", before);
  });
  restoreRequests = () => {
    for (const restore of restores.splice(0)) restore();
  };
  queueMicrotask(restoreRequests);
  return () => found?.getUrn();
}

/** Makes the requests what they were. */
let restoreRequests = () => {};

/** The requests of the host's own copy of Pulumi's protocol, wherever a package manager has put it. */
const deleteRequests = lazy((): DeleteRequest[] =>
  Object.entries(require.cache).flatMap(([path, loaded]) => {
    if (!/[\\/]@pulumi[\\/]pulumi[\\/]proto[\\/]provider_pb\.js$/.test(path)) return [];
    const prototype = loaded?.exports?.DeleteRequest?.prototype;
    return typeof prototype?.getUrn === "function" && Object.hasOwn(prototype, "getId") ? [prototype] : [];
  }),
);
