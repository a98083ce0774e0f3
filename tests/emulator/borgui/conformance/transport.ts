import { strict as assert } from "node:assert";
import type { Server } from "../support";

/** Paths, forms of errors, and inputs. */
export function transportTests(given: () => Server): void {
  describe("paths and inputs", () => {
    for (const [right, wrong] of [
      ["/api/repositories/", "/api/repositories"],
      ["/api/backup-plans/", "/api/backup-plans"],
      ["/api/ssh-keys/connections", "/api/ssh-keys/connections/"],
      ["/api/settings/tokens", "/api/settings/tokens/"],
      ["/api/settings/users", "/api/settings/users/"],
      ["/api/ssh-keys/system-key", "/api/ssh-keys/system-key/"],
    ] as const) {
      it(`${right} has one form: nothing redirects from ${wrong}`, async () => {
        assert.equal((await given().get(right)).status, 200);
        const read = await given().get(wrong);
        assert.deepEqual([read.status, read.body], [404, { detail: "Not Found" }]);
        const written = await given().post(wrong, {});
        assert.deepEqual([written.status, written.body], [405, { detail: "Method Not Allowed" }]);
      });
    }

    it("/api/ssh-keys has both forms", async () => {
      assert.deepEqual((await given().get("/api/ssh-keys")).body, (await given().get("/api/ssh-keys/")).body);
    });

    it("An unknown path is not found before the credentials are looked at", async () => {
      const { status, body } = await given().get("/api/nothing", { token: null });
      assert.deepEqual([status, body], [404, { detail: "Not Found" }]);
      assert.equal((await given().put("/api/nothing", {}, { token: null })).status, 405);
    });

    it("A path outside the API shows a page, which is no sign of health", async () => {
      const { status, headers } = await given().get("/health", { token: null });
      assert.equal(status, 200);
      assert.match(headers.get("content-type") ?? "", /text\/html/);
    });

    it("A missing field is reported with its place, and the input is echoed", async () => {
      const { status, body } = await given().post("/api/ssh-keys/generate", { key_type: "rsa", password: "secret" });
      assert.equal(status, 422);
      const [{ type, loc, msg, input }] = body.detail;
      assert.deepEqual([type, loc, msg], ["missing", ["body", "name"], "Field required"]);
      assert.deepEqual(input, { key_type: "rsa", password: "secret" });
    });

    it("A field of the wrong type is reported with its value", async () => {
      const { status, body } = await given().post("/api/ssh-keys/generate", { name: 7 });
      assert.equal(status, 422);
      const [{ type, loc, input }] = body.detail;
      assert.deepEqual([type, loc, input], ["string_type", ["body", "name"], 7]);
    });

    it("Several bad fields are reported at once", async () => {
      const { body } = await given().post("/api/ssh-keys/1/deploy", { host: "h", port: "x" });
      assert.deepEqual(body.detail.map(({ type, loc }: { type: string; loc: string[] }) => [type, loc.at(-1)]).sort(), [
        ["int_parsing", "port"],
        ["missing", "password"],
        ["missing", "username"],
      ]);
    });

    it("Bad JSON is a bad input", async () => {
      const { status, body } = await given().post("/api/ssh-keys/generate", "{", {
        headers: { "Content-Type": "application/json" },
      });
      assert.equal(status, 422);
      assert.equal(body.detail[0].type, "json_invalid");
    });

    it("A text in place of an id is a bad input", async () => {
      const { status, body } = await given().get("/api/ssh-keys/abc");
      assert.equal(status, 422);
      const [{ type, loc, input }] = body.detail;
      assert.deepEqual([type, loc, input], ["int_parsing", ["path", "key_id"], "abc"]);
    });

    it("Unknown fields are ignored without a word", async () => {
      const { status } = await given().post("/api/ssh-keys/generate", { name: "k", key_type: "ed25519", unknown: 1 });
      assert.equal(status, 200);
    });
  });
}
