import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import type { Server } from "../support";

/** Logins, tokens, rights and limits of the licence. */
export function loginTests(given: () => Server): void {
  describe("login", () => {
    const refused = { status: 401, detail: "Could not validate credentials" };

    it("A login takes a form and gives a session of 24 hours", async () => {
      const { status, body } = await given().logInAs(given().username, given().password);
      assert.equal(status, 200);
      const { access_token, must_change_password, ...rest } = body;
      assert.match(access_token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
      assert.equal(typeof must_change_password, "boolean");
      assert.deepEqual(rest, {
        token_type: "bearer",
        expires_in: 86_400,
        totp_required: false,
        login_challenge_token: null,
      });
    });

    it("A login with a JSON body is a bad input", async () => {
      const body = { username: given().username, password: given().password };
      const answer = await given().post("/api/auth/login", body, { token: null });
      assert.equal(answer.status, 422);
      assert.deepEqual(
        answer.body.detail.map(({ type, loc }: { type: string; loc: string[] }) => [type, loc.at(-1)]),
        [
          ["missing", "username"],
          ["missing", "password"],
        ],
      );
    });

    it("A wrong password has a key and names the scheme", async () => {
      const answer = await given().logInAs(given().username, "wrong", "203.0.113.2");
      assert.deepEqual([answer.status, answer.error], [401, "auth.incorrectCredentials"]);
      assert.equal(answer.headers.get("www-authenticate"), "Bearer");
    });

    it("The fifth failed login locks every login from its address for 15 minutes, right passwords too", async () => {
      const address = `203.0.113.${100 + (randomBytes(1)[0] ?? 0) / 2}`;
      for (const name of ["a", "b", "a", "c"]) {
        assert.equal((await given().logInAs(name, "wrong", address)).status, 401);
      }
      const fifth = await given().logInAs("d", "wrong", address);
      assert.deepEqual([fifth.status, fifth.error], [429, "auth.tooManyRequests"]);
      const right = await given().logInAs(given().username, given().password, address);
      assert.equal(right.status, 429);
      const seconds = Number(right.headers.get("retry-after"));
      assert.ok(seconds > 890 && seconds <= 900, String(seconds));
      assert.equal((await given().get("/api/ssh-keys")).status, 200, "sessions go on");
      assert.equal((await given().logInAs(given().username, given().password)).status, 200, "other addresses go on");
    });

    for (const [name, headers] of [
      ["no credentials", {}],
      ["a session that nobody signed", { Authorization: "Bearer a.b.c" }],
      ["an unknown personal token", { Authorization: "Bearer borgui_x" }],
      ["the scheme in lower case", { Authorization: "bearer SESSION" }],
    ] as const) {
      it(`A request with ${name} is refused with one text`, async () => {
        const filled = Object.entries(headers).map(([key, value]) => [key, value.replace("SESSION", given().session)]);
        const asking = { token: null, headers: Object.fromEntries(filled) };
        const answer = await given().get("/api/ssh-keys/system-key", asking);
        assert.deepEqual({ status: answer.status, ...answer.body }, refused);
        assert.equal(answer.headers.get("www-authenticate"), "Bearer");
      });
    }

    it("The header X-Borg-Authorization wins over Authorization", async () => {
      const headers = { Authorization: "Basic cHJveHk=", "X-Borg-Authorization": `Bearer ${given().session}` };
      assert.equal((await given().get("/api/ssh-keys", { token: null, headers })).status, 200);
      const swapped = { Authorization: `Bearer ${given().session}`, "X-Borg-Authorization": "Bearer x" };
      assert.equal((await given().get("/api/ssh-keys", { token: null, headers: swapped })).status, 401);
    });

    it("A session and a personal token are exchanged for a new session", async () => {
      const created = await given().post("/api/settings/tokens", { name: "run" });
      assert.equal(created.status, 201);
      assert.deepEqual(Object.keys(created.body).sort(), ["created_at", "id", "name", "prefix", "token"]);
      const { id, token, prefix } = created.body;
      assert.equal(prefix, token.slice(0, 12));
      assert.match(token, /^borgui_[\w-]{43}$/);
      for (const credentials of [given().session, token]) {
        const { status, body } = await given().post("/api/auth/refresh", undefined, { token: credentials });
        assert.equal(status, 200);
        assert.deepEqual([body.token_type, body.expires_in], ["bearer", 86_400]);
        assert.equal((await given().get("/api/ssh-keys", { token: body.access_token })).status, 200);
      }
      await given().delete(`/api/settings/tokens/${id}`);
    });

    it("A session survives the personal token that it came from, and a logout", async () => {
      const { id, token } = (await given().post("/api/settings/tokens", { name: "run" })).body;
      const { access_token } = (await given().post("/api/auth/refresh", undefined, { token })).body;
      assert.equal((await given().delete(`/api/settings/tokens/${id}`)).status, 204);
      assert.equal((await given().get("/api/ssh-keys", { token })).status, 401);
      assert.equal((await given().post("/api/auth/logout", undefined, { token: access_token })).status, 200);
      assert.equal((await given().get("/api/ssh-keys", { token: access_token })).status, 200);
      const again = await given().delete(`/api/settings/tokens/${id}`);
      assert.deepEqual([again.status, again.error], [404, "tokens.notFound"]);
    });

    it("Names of personal tokens repeat, and the list has prefixes alone", async () => {
      const made = await Promise.all([1, 2].map(() => given().post("/api/settings/tokens", { name: "same" })));
      const list = (await given().get("/api/settings/tokens")).body;
      const same = list.filter(({ name }: { name: string }) => name === "same");
      assert.ok(same.length >= 2);
      assert.deepEqual(Object.keys(same[0]).sort(), ["created_at", "id", "last_used_at", "name", "prefix"]);
      for (const { body } of made) await given().delete(`/api/settings/tokens/${body.id}`);
    });

    it("The version, the plan and the features are shown without a login", async () => {
      const { status, body } = await given().get("/api/system/info", { token: null });
      assert.equal(status, 200);
      assert.equal(body.app_version, "2.3.0-alpha.1");
      assert.match(body.borg_version, /^borg /);
      assert.equal(body.plan, "community");
      assert.equal(body.features.backup_plan_multi_repository, "pro");
      assert.equal(body.feature_access.backup_plan_multi_repository, false);
    });

    it("The login mode is shown without a login", async () => {
      const { body } = await given().get("/api/auth/config", { token: null });
      assert.equal(body.authentication_required, true);
      assert.equal(body.proxy_auth_enabled, false);
    });

    it("A viewer is refused with the area's key, and reads what others may change", async () => {
      const viewer = await given().post("/api/settings/users", user("viewer"));
      assert.equal(viewer.status, 200);
      const token = (await given().logInAs("viewer", "password-of-viewer")).body.access_token;
      const denied = [
        ["POST", "/api/ssh-keys/generate", { name: "x" }, "ssh.adminAccessRequired"],
        ["DELETE", "/api/ssh-keys/1", undefined, "ssh.adminAccessRequired"],
        ["POST", "/api/repositories/", { name: "x", path: "x" }, "repo.adminAccessRequired"],
        ["GET", "/api/settings/users", undefined, "settings.adminAccessRequired"],
      ] as const;
      for (const [method, path, body, error] of denied) {
        const answer = await given().ask(method, path, body, { token });
        assert.deepEqual([answer.status, answer.error], [403, error], path);
      }
      for (const path of ["/api/ssh-keys/connections", "/api/repositories/", "/api/backup-plans/"]) {
        assert.equal((await given().get(path, { token })).status, 200, path);
      }
    });

    it("A session ends with the deletion of its user", async () => {
      const { body } = await given().post("/api/settings/users", user("leaver"));
      const token = (await given().logInAs("leaver", "password-of-leaver")).body.access_token;
      assert.equal((await given().delete(`/api/settings/users/${body.user.id}`)).status, 200);
      assert.equal((await given().get("/api/ssh-keys", { token })).status, 401);
    });

    it("The sixth user is a limit of the licence, not a right", async () => {
      for (const name of ["a1", "a2", "a3", "a4"]) {
        assert.equal((await given().post("/api/settings/users", user(name))).status, 200);
      }
      const { status, body } = await given().post("/api/settings/users", user("a5"));
      assert.equal(status, 403);
      assert.deepEqual(body.detail, { key: "backend.errors.plan.userLimitReached", current: "community", limit: 5 });
    });
  });
}

function user(name: string) {
  return { username: name, email: `${name}@example.com`, password: `password-of-${name}`, role: "viewer" };
}
