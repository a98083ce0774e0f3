import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { Transform } from "node:stream";

/** Borg answers with its refusals before it has opened a repository; what comes later is backed-up data. */
const FIRST_BYTES = 65_536;

/**
 * What `borg serve` answers, without the place of the repository on this machine, which borg puts into its refusals
 * ("Repository path not allowed: …"). An answer says how long each of its texts is, so a path gives way to one of the same
 * length: `/./././`, which leads to the root of what the client can see.
 */
export function hidingAnswers(dir: string): Transform {
  const places = placesOf(dir);
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length;
      const isRefusal = passed <= FIRST_BYTES && chunk.includes("exception_class");
      done(null, isRefusal ? replaced(chunk, places, (length) => "/.".repeat(length).slice(0, length)) : chunk);
    },
  });
}

/** The same for what it writes to its standard error, which is text. */
export function hidingText(dir: string): Transform {
  const places = placesOf(dir);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(
        null,
        replaced(chunk, places, () => ""),
      );
    },
  });
}

function placesOf(dir: string): Buffer[] {
  const places = new Set([resolve(dir), realpathSync(dir)]);
  return [...places].sort((one, other) => other.length - one.length).map((place) => Buffer.from(place));
}

function replaced(chunk: Buffer, places: Buffer[], substitute: (length: number) => string): Buffer {
  let result = chunk;
  for (const place of places) {
    const parts: Buffer[] = [];
    let from = 0;
    for (let at = result.indexOf(place); at >= 0; at = result.indexOf(place, from)) {
      parts.push(result.subarray(from, at), Buffer.from(substitute(place.length)));
      from = at + place.length;
    }
    if (from > 0) result = Buffer.concat([...parts, result.subarray(from)]);
  }
  return result;
}
