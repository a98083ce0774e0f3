import assert from "node:assert/strict";
import fc from "fast-check";
import { findKey, putKey, removeKey } from "../../../../provider/ssh/authorizedKeys/lines";
import { sameOptions } from "../../../../provider/ssh/authorizedKeys/options";
import {
  type Restriction,
  renderOptions,
  restrictionProblems,
} from "../../../../provider/ssh/authorizedKeys/restriction";
import { generate, type KeyMaterial } from "../../../../provider/ssh/keys";

describe("authorized_keys", () => {
  let mine: KeyMaterial;
  let others: KeyMaterial[];
  before(async () => {
    mine = await generate({ comment: "mine" });
    others = await Promise.all([
      generate({ comment: "a" }),
      generate({ keyType: "ecdsa" }),
      generate({ keyType: "rsa", bits: 2048 }),
    ]);
  });

  const own = (options = "") => `${options}${options && " "}${mine.publicKey}`;
  const put = (file: string | Buffer, options = "") => putKey(Buffer.from(file), mine, options);

  /** Lines of every kind found on real hosts, none with the tested key. */
  const foreignLine = () =>
    fc.oneof(
      fc.constantFrom(
        "",
        "   ",
        "\t",
        "# a comment",
        "#",
        "garbage",
        "ssh-rsa",
        "1024 35 12345 ssh1@old",
        '"',
        'command="',
      ),
      fc.constantFrom(...others.map(({ publicKey }) => publicKey)),
      fc.constantFrom(
        ...others.map(({ publicKey }) => `from="10.0.0.0/8,*.lan",command="echo \\"a b\\" #,x" ${publicKey}`),
      ),
      fc.constantFrom(
        `# ${mine.publicKey}`,
        `cert-authority ${mine.publicKey}`,
        `${mine.algorithm} ${mine.blob.slice(0, -4)}`,
      ),
      fc.constantFrom(`no-pty ${others[0]?.publicKey} with a \u00fc comment\r`),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("latin1").replaceAll("\n", "")),
    );
  const ownLine = () =>
    fc.constantFrom(
      own(),
      own("restrict"),
      `  \t${own('command="a,b \\"c\\" d",no-pty')}`,
      `${mine.algorithm}\t${mine.blob}\r`,
    );
  const fileOf = (lines: fc.Arbitrary<string>) =>
    fc
      .tuple(fc.array(lines, { maxLength: 8 }), fc.boolean())
      .map(([list, newline]) => Buffer.from(list.join("\n") + (newline && list.length > 0 ? "\n" : ""), "latin1"));
  const options = fc.constantFrom("", "restrict", 'restrict,command="borg serve --restrict-to-path /a"');

  /** The lines of other keys in a file. */
  const rest = (file: Buffer) => removeKey(file, mine).toString("latin1").replace(/\n$/, "").split("\n");

  it("putKey writes exactly one line and keeps every other byte", () => {
    fc.assert(
      fc.property(fileOf(fc.oneof(foreignLine(), foreignLine(), ownLine())), options, (file, wanted) => {
        const result = putKey(file, mine, wanted);
        assert.deepEqual(
          findKey(result, mine).map((line) => line.options),
          [wanted],
        );
        if (file.length > 0 && removeKey(file, mine).length > 0) assert.deepEqual(rest(result), rest(file));
        assert.ok(putKey(result, mine, wanted).equals(result), "a second time changes nothing");
      }),
      { numRuns: 500 },
    );
  });

  it("removeKey removes exactly the lines of its key", () => {
    fc.assert(
      fc.property(fileOf(foreignLine()), options, (file, wanted) => {
        const whole =
          file.length > 0 && !file.toString("latin1").endsWith("\n") ? Buffer.concat([file, Buffer.from("\n")]) : file;
        assert.ok(removeKey(putKey(file, mine, wanted), mine).equals(whole));
        assert.ok(removeKey(file, mine).equals(file));
      }),
      { numRuns: 500 },
    );
  });

  it("The order in which several keys are put does not matter", () => {
    fc.assert(
      fc.property(fileOf(foreignLine()), fc.shuffledSubarray(others, { minLength: 3 }), (file, keys) => {
        const result = keys.reduce<Buffer>((content, key) => putKey(content, key, "restrict"), file);
        for (const key of keys) assert.equal(findKey(result, key).length, 1);
      }),
    );
  });

  it("putKey replaces the line in place when the options change, and removes duplicates", () => {
    const [a, b] = others.map(({ publicKey }) => publicKey);
    assert.equal(
      put(`${a}\n${own()}\n${b}\n${own("no-pty")}\n`, "restrict").toString(),
      `${a}\n${own("restrict")}\n${b}\n`,
    );
  });

  it("putKey leaves a line that differs in its comment alone", () => {
    const file = `${mine.algorithm} ${mine.blob} someone else's words\n`;
    assert.equal(put(file).toString(), file);
  });

  it("putKey adds a missing newline at the end", () => {
    assert.equal(put("# no newline").toString(), `# no newline\n${own()}\n`);
    assert.equal(put("").toString(), `${own()}\n`);
  });

  it("findKey reads options and comments with quoted commas, blanks and quotes", () => {
    const wanted = 'from="a,b",command="x \\"y, z\\" w"';
    const [line, ...more] = findKey(Buffer.from(`\t${wanted} \t${mine.algorithm} ${mine.blob}  two words\r\n`), mine);
    assert.deepEqual([line, more.length], [{ options: wanted, comment: "two words" }, 0]);
  });

  it("A key inside a command or a comment does not count as its line", () => {
    const file = `command="echo ${mine.publicKey}" ${others[0]?.publicKey}\n${others[1]?.publicKey} ${mine.publicKey}\n`;
    assert.deepEqual(findKey(Buffer.from(file), mine), []);
    assert.equal(removeKey(Buffer.from(file), mine).toString(), file);
  });

  it("sameOptions compares options by name and value, in their order", () => {
    assert.ok(sameOptions('Restrict,command="a"', 'restrict,command="a"'));
    for (const [a, b] of [
      ["restrict,pty", "pty,restrict"],
      ['command="a"', 'command="A"'],
      ["", "restrict"],
      ["broken=", "broken"],
      ['command="a', 'command="b'],
    ] as const) {
      assert.ok(!sameOptions(a, b), `${a} | ${b}`);
    }
  });

  describe("restrictions", () => {
    const borgServe = (path: string, more = {}): Restriction => ({ borgServe: { path, ...more } });

    it("renderOptions renders borg serve", () => {
      assert.equal(renderOptions(undefined), "");
      assert.equal(renderOptions({ options: "no-pty" }), "no-pty");
      const cases: [Restriction, string | undefined, string, string?][] = [
        [borgServe("/srv/repos"), undefined, "/srv/repos"],
        [borgServe("repos"), undefined, "repos"],
        [borgServe("repos"), "/volume1/backup/", "/volume1/backup/repos"],
        [borgServe("/repos"), "/volume1", "/repos"],
        [borgServe("a b;$(c)\\"), undefined, "'a b;$(c)\\'"],
        [borgServe("~/a b"), "/x", "~/'a b'"],
        [borgServe("-x"), undefined, "./-x"],
        [borgServe("/backup"), undefined, "/volume1/backup", "/volume1/"],
        [borgServe("/volume1/backup"), undefined, "/volume1/backup", "/volume1"],
        [borgServe("repos"), "/backup", "/volume1/backup/repos", "/volume1"],
        [borgServe("repos"), undefined, "repos", "/volume1"],
        [borgServe("/r", { appendOnly: true }), undefined, "/r --append-only"],
        [borgServe("/r", { appendOnly: false, storageQuota: 10 }), undefined, "/r --storage-quota 10M"],
        [
          borgServe("/r", { appendOnly: true, storageQuota: 5000 }),
          undefined,
          "/r --append-only --storage-quota 5000M",
        ],
      ];
      for (const [restriction, defaultPath, expected, sshPathPrefix] of cases) {
        const rendered = renderOptions(restriction, { defaultPath, sshPathPrefix });
        assert.equal(rendered, `restrict,command="borg serve --restrict-to-path ${expected}"`);
        const found = findKey(put("", rendered), mine);
        assert.equal(found[0]?.options, rendered);
      }
    });

    it("restrictionProblems names every bad argument at once", () => {
      const properties = (restriction: Restriction, defaultPath?: string) =>
        restrictionProblems(restriction, defaultPath).map(({ property }) => property.replace("restrict.", ""));
      for (const path of ["", 'a"b', "a'b", "a`b", "100%", "a\nb", "a\u0000b"]) {
        assert.deepEqual(properties(borgServe(path)), ["borgServe.path"], path);
      }
      for (const storageQuota of [9, 0, -1, 10.5, Number.NaN]) {
        assert.deepEqual(properties(borgServe("'", { storageQuota }), "%"), [
          "borgServe.path",
          "defaultPath",
          "borgServe.storageQuota",
        ]);
      }
      for (const bad of [
        "a b",
        'command="x',
        "command=x",
        "no-pty,",
        ",no-pty",
        "no-pyt",
        "cert-authority",
        'restrict="x"',
        "no-pty\nx",
        "command",
      ]) {
        assert.deepEqual(properties({ options: bad }), ["options"], bad);
      }
      assert.deepEqual(properties({ options: 'restrict,pty,from="a,b",command="x y",no-X11-forwarding' }), []);
      assert.deepEqual(properties({ options: "" }), []);
      assert.deepEqual(properties({ options: "pty", borgServe: { path: "/" } } as unknown as Restriction), [
        "restrict",
      ]);
      assert.deepEqual(properties({} as unknown as Restriction), ["restrict"]);
    });
  });
});
