import { strict as assert } from "node:assert";
import { parsePropertyPath, withValueFrom } from "../../provider/lifecycle/propertyPath";

describe("Property path", () => {
  const READABLE: [text: string, path: string[]][] = [
    ["quota", ["quota"]],
    ["compaction.hour", ["compaction", "hour"]],
    ['compaction["hour"]', ["compaction", "hour"]],
    ['["compaction"].hour', ["compaction", "hour"]],
    ['keepers["a.b \\"c\\""].d', ["keepers", 'a.b "c"', "d"]],
    ["*", []],
    ["compaction.*", ["compaction"]],
    ["fullAccessKeys[*]", ["fullAccessKeys"]],
  ];
  for (const [text, path] of READABLE) {
    it(`The property path ${text} is parsed`, () => assert.deepEqual(parsePropertyPath(text), path));
  }

  for (const text of ["", "compaction.", "compaction[", "compaction[hour]", "a b", 'keepers["a]']) {
    it(`The invalid property path "${text}" is refused`, () => {
      assert.throws(() => parsePropertyPath(text), { kind: "input", message: /is no property path/ });
    });
  }

  for (const text of ["fullAccessKeys[0]", "a.b[1].c", "a[*].c", "a.*.c"]) {
    it(`The property path ${text} is refused with a supported path as advice`, () => {
      assert.throws(() => parsePropertyPath(text), { kind: "input", message: /name "[a-zA-Z.]+" as a whole/ });
    });
  }

  it("A property path copies its value, present or absent, and no other value", () => {
    assert.deepEqual(withValueFrom({ a: 1, b: 2 }, ["a"], { a: 3, b: 4 }), { a: 3, b: 2 });
    assert.deepEqual(withValueFrom({ a: 1, b: 2 }, ["a"], { b: 4 }), { b: 2 });
    assert.deepEqual(withValueFrom({ a: { b: 1 } }, ["a", "b"], { a: { b: 2, c: 3 } }), { a: { b: 2 } });
    assert.equal(withValueFrom(1, [], 2), 2);
  });

  it("A property path copies no value when a parent of the value is missing", () => {
    for (const source of [undefined, {}, [1], "text", { b: 4 }]) {
      assert.deepEqual(withValueFrom({ a: { b: 1 } }, ["a", "b"], source), { a: { b: 1 } });
    }
    assert.deepEqual(withValueFrom({}, ["a"], { a: 1 }), {});
  });
});
