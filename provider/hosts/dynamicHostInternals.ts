/*
 * All that the provider relies on inside Pulumi's dynamic provider host, `cmd/dynamic-provider/index.js` of @pulumi/pulumi,
 * as seen in 3.270.0. The process belongs to the dynamic providers of all packages: nothing of it is changed for good.
 */

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
    leaveOut(": \n");
    return "";
  }
}

let isWatching = false;

/** Drops the next text for standard error, if it is this one and the code that runs now writes it before it ends. */
function leaveOut(text: string): void {
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
