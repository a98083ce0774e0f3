import { strict as assert } from "node:assert";
import { logicalNames } from "../../cli/logicalNames";

/** Objects in the form `TYPE ID NAME`. */
function namesOf(objects: string[], taken: string[] = []): string[] {
  const parse = (text: string) => /^(?<type>\w+) (?<id>\w+) (?<name>.*)$/.exec(text)?.groups as Record<string, string>;
  const named = (text: string) => ({ type: "", id: "", name: "", ...parse(text) });
  return logicalNames(objects.map(named), taken.map(named));
}

describe("Names of discovered resources", () => {
  for (const [what, object, name] of [
    ["a plain name stays", "Repo a1 web-1", "web-1"],
    [
      "blanks, dots and slashes become hyphens",
      "Repo a1 www.example.com/daily  backup",
      "www-example-com-daily-backup",
    ],
    ["accents are dropped", "Repo a1 Büro Köln", "Buro-Koln"],
    ["quotes, backticks and templates are dropped", 'SshKey 7 "it\'s" `\u0024{x}`', "it-s-x"],
    ["a name without Latin letters becomes the id", "Repo a1 バックアップ", "repo-a1"],
    ["a name that begins with a digit gets the type before it", "Repo a1 2024 archive", "repo-2024-archive"],
    ["an id that is a number gets the type before it", "SshKey 1001 ☃", "key-1001"],
    ["the module's own name gets the id behind it", "Repo a1 borgbase", "borgbase-a1"],
  ] as const) {
    it(`Names of resources: ${what}`, () => {
      assert.deepEqual(namesOf([object]), [name]);
    });
  }

  it("A key and a repository of one name share it, as types tell them apart", () => {
    assert.deepEqual(namesOf(["SshKey 7 web", "Repo a1 web"]), ["web", "web"]);
  });

  it("Objects of one type whose names are equal, or equal as variables, get their ids, in any order", () => {
    const objects = ["Repo a1 web", "Repo b2 web", "Repo c3 db-1", "Repo d4 DB_1", "Repo e5 mail"];
    const names = ["web-a1", "web-b2", "db-1-c3", "DB_1-d4", "mail"];
    assert.deepEqual(namesOf(objects), names);
    assert.deepEqual(namesOf(objects.toReversed()), names.toReversed());
  });

  it("A name that a resource of the stack has is not given again", () => {
    assert.deepEqual(namesOf(["Repo a1 web", "Repo b2 web-c3"], ["Repo z9 web"]), ["web-a1", "web-c3"]);
    assert.deepEqual(namesOf(["Repo a1 web"], ["Repo z9 web", "Repo y8 web-a1"]), ["web-a1-2"]);
    assert.deepEqual(namesOf(["Repo a1 web"], ["SshKey 7 web"]), ["web"]);
  });
});
