/*
 * All dependencies on the internals of Pulumi's dynamic provider host, `cmd/dynamic-provider/index.js` of @pulumi/pulumi,
 * as seen in 3.270.0. The process is shared with the dynamic providers of other packages: every change is undone, but one that
 * changes no value.
 */

import { lazy } from "../lazy";
import { readStructsLazily } from "./lazyStructs";

/** Property with the text of the provider (`providerKey`), in inputs and outputs of every state. */
export const PROVIDER_TEXT = "__provider";

/** Name of the project (`metadata.js`, `getProject`), from the language host's environment. Empty without it. */
export const project = lazy((): string => process.env.PULUMI_PROJECT ?? "");

/** The engine's local port, an argument of the host (`main`). Undefined for another argument. */
export function enginePort(): number | undefined {
  const port = /^127\.0\.0\.1:(\d+)$/.exec(process.argv[2] ?? "")?.[1];
  return port ? Number(port) : undefined;
}

/**
 * An error that only the engine shows. The host also prints `${error}: ${error.stack}` for check, diff, read and delete.
 * For this error the line is `: `, and it is suppressed. A host that prints another line shows that line.
 */
export class QuietError extends Error {
  override readonly stack = "";
  override toString(): string {
    suppressNextWrite(": \n");
    return "";
  }
}

let isWatching = false;

/** Suppresses the next write to standard error, if it is this text and in the same turn. */
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
 * Captures the URN of a deletion, which the host does not pass. The host evaluates `provider.delete(req.getId(), props)`
 * (`delete`). This function runs when the host reads `delete`. The next request with a call of `getId` in the same turn is
 * the deletion's. A host that calls otherwise leaves deletions without a URN.
 * @returns reads the URN, once `delete` is called
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

/** Restores `getId` of the requests. */
let restoreRequests = () => {};

/** Halves the time that the host needs to read its requests. Stays, as it is for every request. */
export const readRequestsLazily = lazy(() => protocols().forEach(readStructsLazily));

/** Request classes of deletions. */
const deleteRequests = lazy((): DeleteRequest[] =>
  protocols().flatMap((protocol) => {
    const prototype = protocol.DeleteRequest?.prototype;
    return typeof prototype?.getUrn === "function" && Object.hasOwn(prototype, "getId") ? [prototype] : [];
  }),
);

/** The host's own copy of Pulumi's protocol, wherever the package manager installed it. */
function protocols(): { DeleteRequest?: { prototype: DeleteRequest } }[] {
  return Object.entries(require.cache).flatMap(([path, loaded]) =>
    loaded && /[\\/]@pulumi[\\/]pulumi[\\/]proto[\\/]provider_pb\.js$/.test(path) ? [loaded.exports] : [],
  );
}
