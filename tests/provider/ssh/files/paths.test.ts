import assert from "node:assert/strict";
import { expansionProblem } from "../../../../provider/ssh/files/paths";

const X = ".ssh/authorized_keys";

/** Paths that nobody means as they stand, with the form that the reason advises. Undefined: the host alone knows it. */
const NOT_PLAIN: [path: string, advised: string | undefined][] = [
  [`./~/${X}`, X],
  [`././~/${X}`, X],
  [`.//~/${X}`, X],
  [`/~/${X}`, X],
  [`//~/${X}`, X],
  [`~/~/${X}`, undefined],
  [`./~bk/${X}`, undefined],
  [`/~bk/${X}`, undefined],
  [`/home/bk/~/${X}`, undefined],
  ["./~", "."],
  ["/~", "."],
  ["backups/~", undefined],
  ["/./repos", "repos"],
  [`file:///home/bk/${X}`, `/home/bk/${X}`],
  [`file:/home/bk/${X}`, `/home/bk/${X}`],
  [`FILE://localhost/home/bk/${X}`, `/home/bk/${X}`],
  [`file://nas/home/bk/${X}`, undefined],
  [`ssh://bk@nas/home/bk/${X}`, undefined],
  ["ssh://bk@nas:23/./repos", undefined],
  [`sftp://bk@nas/${X}`, undefined],
  [`bk@nas:${X}`, X],
  [`bk@nas.example.com:/home/bk/${X}`, `/home/bk/${X}`],
];

const PLAIN = [
  X,
  `./${X}`,
  `~/${X}`,
  `~//${X}`,
  `/home/bk/${X}`,
  "/etc/ssh/keys@host",
  "/srv/a:b/keys",
  "backup~",
  "/srv/keys~",
  "/srv/./keys",
  "/srv/~old/keys",
  "c:keys",
];

describe("Paths on a host", () => {
  for (const [path, advised] of NOT_PLAIN) {
    it(`The path ${path} is refused, ${advised === undefined ? "without another form" : `for ${advised}`}`, () => {
      const reason = expansionProblem(path, "me") ?? "";
      assert.match(reason, advised === undefined ? /: write out the path that is meant$/ : /: write ".*"$/, reason);
      if (advised !== undefined) assert.ok(reason.endsWith(`write "${advised}"`), reason);
    });
  }
  for (const path of PLAIN) {
    it(`The path ${path} is plain`, () => assert.equal(expansionProblem(path, "me"), undefined));
  }
});
