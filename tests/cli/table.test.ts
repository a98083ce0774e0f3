import assert from "node:assert/strict";
import { table } from "../../cli/table";

describe("Table of the command line", () => {
  it("A table aligns its columns without borders or trailing blanks", () => {
    const rows = [
      ["web", "", "2"],
      ["database", "alertDays", ""],
    ];
    assert.equal(
      table(["Name", "Property", "State"], rows),
      ["Name      Property   State", "web                  2", "database  alertDays"].join("\n"),
    );
  });

  it("A table aligns names of wide characters by their width on a terminal", () => {
    assert.equal(
      table(
        ["Name", "Id"],
        [
          ["日本", "1"],
          ["e\u0301t\u00e9", "2"],
        ],
      ),
      ["Name  Id", "日本  1", "e\u0301t\u00e9   2"].join("\n"),
    );
  });
});
