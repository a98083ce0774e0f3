import { strict as assert } from "node:assert";
import { program } from "./support/program";

/** Records the options that the provider receives with each resource, as `hidden`. */
const HIDDEN = `
const hidden = {};
pulumi.runtime.setMocks({
  newResource: ({ name, inputs }) => {
    hidden[name] = [inputs.__ignoreChanges ?? [], inputs.__replaceOnChanges ?? []];
    return { id: name, state: inputs };
  },
  call: () => ({}),
});
const adding = (added) => ({ type, props, opts }) =>
  type.startsWith("borgbase:") ? { props, opts: pulumi.mergeOptions(opts, added) } : undefined;
const done = () => setTimeout(() => answer({ hidden }), 300);
`;

/** Simulates an SDK that iterates a copy of its list of transformations. */
const WALKS_COPY = `
Object.defineProperty(pulumi.Resource.prototype, "__transformations", {
  set(list) {
    Object.defineProperty(list, Symbol.iterator, { value() { return Array.from({ length: this.length }, (_, i) => this[i])[Symbol.iterator](); } });
    Object.defineProperty(this, "__transformations", { value: list, writable: true });
  },
});
`;

const OPTIONS = `
const parent = new pulumi.ComponentResource("a:b:C", "parent", {}, { transformations: [adding({ ignoreChanges: ["quota"] })] });
const own = { ignoreChanges: ["alertDays"], transformations: [adding({ replaceOnChanges: ["name"] })] };
`;

const WARNING = /does not see the options that transformations of parents .* add.*@pulumi\/pulumi/;

describe("ignoreChanges and replaceOnChanges in transformations", () => {
  it("Options reach the provider from the resource, its own transformations and its parent's", () => {
    const { hidden, printed } = program(
      `${OPTIONS}
      const repo = new borgbase.Repo("web", { region: "eu" }, { parent, ...own });
      new borgbase.KeyPair("child", {}, { parent: repo, ignoreChanges: ["comment"] });
      done();`,
      { mocks: HIDDEN },
    );
    const { web, child } = hidden as Record<string, unknown>;
    assert.deepEqual(web, [["alertDays", "quota"], ["name"]]);
    assert.deepEqual(child, [["comment", "quota"], ["name"]]);
    assert.doesNotMatch(String(printed), WARNING);
  });

  it("Options do not reach the provider where a transformation of the parent removes them", () => {
    const { hidden } = program(
      `const parent = new pulumi.ComponentResource("a:b:C", "parent", {}, {
         transformations: [({ props, opts }) => ({ props, opts: { ...opts, ignoreChanges: undefined } })],
       });
       new borgbase.Repo("web", { region: "eu" }, { parent, ignoreChanges: ["quota"] });
       done();`,
      { mocks: HIDDEN },
    );
    assert.deepEqual((hidden as Record<string, unknown>).web, [[], []]);
  });

  it("Options of the resource reach the provider with an SDK that iterates a copy, and one warning names the parent's", () => {
    const { hidden, printed } = program(
      `${WALKS_COPY}${OPTIONS}
      new borgbase.Repo("web", { region: "eu" }, { parent, ...own });
      new borgbase.Repo("db", { region: "eu" }, { parent });
      done();`,
      { mocks: HIDDEN },
    );
    assert.deepEqual((hidden as Record<string, unknown>).web, [["alertDays"], ["name"]]);
    assert.equal(String(printed).match(new RegExp(WARNING, "g"))?.length, 1, String(printed));
  });

  it("Options cause no warning with such an SDK without inherited transformations", () => {
    const { hidden, printed } = program(
      `${WALKS_COPY}${OPTIONS}
      new borgbase.Repo("web", { region: "eu" }, own);
      done();`,
      { mocks: HIDDEN },
    );
    assert.deepEqual((hidden as Record<string, unknown>).web, [["alertDays"], ["name"]]);
    assert.doesNotMatch(String(printed), WARNING);
  });
});
