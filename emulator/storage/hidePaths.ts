import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { Transform } from "node:stream";

/** Borg sends refusals before it opens a repository; all later output is backed-up data. */
const REFUSAL_BYTES = 65_536;

/**
 * Hides the server's path of the repository in the responses of `borg serve`: its refusals contain it ("Repository path not
 * allowed: …"). A response contains the length of each text, so the substitute has the same length: `/./././`, the root of
 * the client's view.
 */
export function hidePathInResponses(dir: string): Transform {
  const paths = pathsOf(dir);
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length;
      const isRefusal = passed <= REFUSAL_BYTES && chunk.includes("exception_class");
      done(null, isRefusal ? replaced(chunk, paths, (length) => "/.".repeat(length).slice(0, length)) : chunk);
    },
  });
}

/** Hides the server's path in the standard error of `borg serve`, which is text. */
export function hidePathInText(dir: string): Transform {
  const paths = pathsOf(dir);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(
        null,
        replaced(chunk, paths, () => ""),
      );
    },
  });
}

function pathsOf(dir: string): Buffer[] {
  const paths = new Set([resolve(dir), realpathSync(dir)]);
  return [...paths].sort((one, other) => other.length - one.length).map((path) => Buffer.from(path));
}

function replaced(chunk: Buffer, paths: Buffer[], substitute: (length: number) => string): Buffer {
  let result = chunk;
  for (const path of paths) {
    const parts: Buffer[] = [];
    let from = 0;
    for (let at = result.indexOf(path); at >= 0; at = result.indexOf(path, from)) {
      parts.push(result.subarray(from, at), Buffer.from(substitute(path.length)));
      from = at + path.length;
    }
    if (from > 0) result = Buffer.concat([...parts, result.subarray(from)]);
  }
  return result;
}
