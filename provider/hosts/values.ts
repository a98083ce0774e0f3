import type { Properties } from "../lifecycle";
import { UNKNOWN } from "../lifecycle/resource";

/** The engine's texts for unknown values, by type (pulumi/pulumi 3.259.0, `sdk/go/common/resource/plugin/rpc.go`). */
const UNKNOWN_TEXTS = new Set([
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);
const UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** Length of each of them. Most values have another one, and need no look-up. */
const UNKNOWN_LENGTH = UNKNOWN_TEXT.length;

/** Properties of the engine, with unknown values as {@link UNKNOWN}. */
export function fromEngine(values: Properties): Properties {
  return mapDeep(values, (leaf) =>
    typeof leaf === "string" && leaf.length === UNKNOWN_LENGTH && UNKNOWN_TEXTS.has(leaf) ? UNKNOWN : leaf,
  ) as Properties;
}

/** The inverse of {@link fromEngine}. */
export function toEngine(values: Properties): Properties {
  return mapDeep(values, (leaf) => (leaf === UNKNOWN ? UNKNOWN_TEXT : leaf)) as Properties;
}

/** Copy-on-write: an unchanged value is returned as it is. */
function mapDeep(value: unknown, leaf: (value: unknown) => unknown): unknown {
  if (typeof value !== "object" || value === null) return leaf(value);
  let copy: Properties | undefined;
  for (const name of Object.keys(value)) {
    const item = (value as Properties)[name];
    const mapped = mapDeep(item, leaf);
    if (mapped === item) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Properties;
    copy[name] = mapped;
  }
  return copy ?? value;
}
