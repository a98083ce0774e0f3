import assert from "node:assert/strict";
import { check, diff, type Properties } from "../../provider/lifecycle";
import type { Context } from "../../provider/lifecycle/resource";
import { type ResourceType, resourceOf } from "../../provider/registry";

/** The context of a resource named "web" that must send no request and log no line. */
export function context(change: Partial<Context> = {}): Context {
  return {
    name: "web",
    api: () => assert.fail("a request was sent"),
    borgUi: () => assert.fail("a request was sent to Borg UI"),
    log: (line) => assert.fail(`a line was logged: ${line}`),
    ...change,
  };
}

/** The result of `check`, with failures as `property: reason`. */
export async function checked(type: ResourceType, news: Properties, olds?: Properties, change?: Partial<Context>) {
  const { inputs, failures } = await check(resourceOf(type), olds, news, context(change));
  for (const { reason } of failures) assert.doesNotMatch(reason, /[\r\n]/);
  return { inputs, failures: failures.map(({ property, reason }) => `${property}: ${reason}`) };
}

/** The arguments that `check` and `diff` report as changed; `!name` replaces the resource. `olds` are the former arguments. */
export async function differing(
  type: ResourceType,
  id: string,
  state: Properties,
  news: Properties,
  olds?: Properties,
  change?: Partial<Context>,
): Promise<string[]> {
  const { inputs, failures } = await checked(type, news, olds, change);
  assert.deepEqual(failures, []);
  const { changed, replaces } = await diff(resourceOf(type), id, state, inputs, context(change));
  assert.ok(replaces.every((name) => changed.includes(name)));
  return changed.map((name) => (replaces.includes(name) ? `!${name}` : name));
}
