import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeKey } from "../../../support/sshKeygen";
import type { Server } from "../support";

/** The system key, and keys of own material. */
export function keyTests(given: () => Server): void {
  describe("keys", () => {
    it("A server without a system key says so", async () => {
      const { status, body } = await given().get("/api/ssh-keys/system-key");
      assert.equal(status, 200);
      assert.deepEqual(body, { success: true, exists: false, ssh_key: null });
    });

    it("A generated system key is shown with its fingerprint and counts, never with its private half", async () => {
      const made = await given().post("/api/ssh-keys/generate", {
        name: "laptops",
        key_type: "ed25519",
        description: "mine",
      });
      assert.equal(made.status, 200);
      const { id, public_key, fingerprint } = made.body.ssh_key;
      assert.deepEqual(Object.keys(made.body.ssh_key).sort(), [
        "description",
        "fingerprint",
        "id",
        "is_active",
        "is_system_key",
        "key_type",
        "name",
        "public_key",
      ]);
      assert.match(public_key, /^ssh-ed25519 \S+ \S+@\S+$/);
      assert.equal(fingerprint, fingerprintOf(public_key));
      const { exists, ssh_key } = (await given().get("/api/ssh-keys/system-key")).body;
      assert.equal(exists, true);
      const { created_at, updated_at, ...rest } = ssh_key;
      assert.match(created_at, /^\d{4}-\d\d-\d\dT[\d:]+(\.\d{6})?\+00:00$/);
      assert.equal(typeof updated_at, "string");
      assert.deepEqual(rest, {
        id,
        name: "laptops",
        description: "mine",
        key_type: "ed25519",
        public_key,
        fingerprint,
        is_active: true,
        connection_count: 0,
        active_connections: 0,
      });
      assert.doesNotMatch(made.text, /PRIVATE/);
    });

    it("An empty name and description become the server's own", async () => {
      const { ssh_key } = (
        await given().post("/api/ssh-keys/generate", { name: "", key_type: "ed25519", description: "" })
      ).body;
      assert.equal(ssh_key.name, "System SSH Key");
      assert.ok(ssh_key.description.length > 0);
    });

    for (const [type, bits] of [
      ["rsa", 3072],
      ["ecdsa", 256],
    ] as const) {
      it(`A system key of type ${type} has ${bits} bits`, async () => {
        const input = type === "rsa" ? { name: "k" } : { name: "k", key_type: type };
        const { ssh_key } = (await given().post("/api/ssh-keys/generate", input)).body;
        assert.equal(ssh_key.key_type, type);
        assert.match(listing(ssh_key.public_key), new RegExp(`^${bits} `));
      });
    }

    it("A second system key is refused, and so is a type in capitals", async () => {
      const unknown = await given().post("/api/ssh-keys/generate", { name: "k", key_type: "ED25519" });
      assert.deepEqual([unknown.status, unknown.error], [400, "ssh.invalidKeyType"]);
      await given().systemKey();
      const second = await given().post("/api/ssh-keys/generate", { name: "other", key_type: "ed25519" });
      assert.deepEqual([second.status, second.error], [400, "ssh.systemKeyAlreadyExists"]);
    });

    it("Parallel requests make several system keys, and the lowest id counts", async () => {
      const names = ["a", "b", "c"];
      await Promise.all(names.map((name) => given().post("/api/ssh-keys/generate", { name, key_type: "rsa" })));
      const { ssh_keys } = (await given().get("/api/ssh-keys")).body;
      const ids = ssh_keys
        .filter((key: { is_system_key: boolean }) => key.is_system_key)
        .map((key: { id: number }) => key.id);
      assert.ok(ids.length > 1, `${ids.length} system keys`);
      assert.equal((await given().get("/api/ssh-keys/system-key")).body.ssh_key.id, Math.min(...ids));
    });

    describe("import from the server's disk", () => {
      let folder: string;
      const path = () => join(folder, "id");
      before(() => {
        folder = mkdtempSync(join(tmpdir(), "borg-ui-keys-"));
        chmodSync(folder, 0o755);
        execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "a passphrase", "-C", "c", "-f", path()]);
        chmodSync(path(), 0o644);
      });
      after(() => rmSync(folder, { recursive: true }));

      it("An encrypted key is imported: the first line is all that is read", async () => {
        const { status, body } = await given().post("/api/ssh-keys/import", { name: "i", private_key_path: path() });
        assert.equal(status, 200);
        assert.equal(body.ssh_key.public_key, readFileSync(`${path()}.pub`, "utf8").trim());
        assert.equal(body.ssh_key.fingerprint, fingerprintOf(body.ssh_key.public_key));
        assert.match(body.ssh_key.description, new RegExp(path()));
      });

      it("A missing file is named", async () => {
        const { status, error, body } = await given().post("/api/ssh-keys/import", {
          name: "i",
          private_key_path: `${path()}.no`,
        });
        assert.deepEqual([status, error], [404, "ssh.privateKeyFileNotFound"]);
        assert.deepEqual(body.detail.params, { path: `${path()}.no` });
      });

      it("A missing public half and a file that is no key are refused", async () => {
        writeFileSync(join(folder, "text"), "no key");
        const asked = [
          [{ private_key_path: path(), public_key_path: "/nowhere" }, 404, "ssh.publicKeyFileNotFound"],
          [{ private_key_path: join(folder, "text") }, 400, "ssh.invalidPrivateKeyFormat"],
          [{ private_key_path: path(), public_key_path: join(folder, "text") }, 400, "ssh.invalidPublicKeyFormat"],
        ] as const;
        for (const [input, status, error] of asked) {
          const answer = await given().post("/api/ssh-keys/import", { name: "i", ...input });
          assert.deepEqual([answer.status, answer.error], [status, error]);
        }
      });
    });

    it('A system key changes its name and description in place; null keeps, and "" clears', async () => {
      const { id } = await given().systemKey();
      const path = `/api/ssh-keys/${id}`;
      const renamed = await given().put(path, { name: "new", description: "text", key_type: "rsa" });
      assert.deepEqual([renamed.body.ssh_key.name, renamed.body.ssh_key.description], ["new", "text"]);
      assert.equal(renamed.body.ssh_key.key_type, "ed25519", "the type cannot change");
      const kept = (await given().put(path, { name: null, description: null })).body.ssh_key;
      assert.deepEqual([kept.name, kept.description], ["new", "text"]);
      const cleared = (await given().put(path, { description: "" })).body.ssh_key;
      assert.equal(cleared.description, "");
      assert.equal((await given().get("/api/ssh-keys/system-key")).body.ssh_key.description, "");
    });

    it("A key of own material is no system key and has no fingerprint", async () => {
      const { public_key, private_key } = await material();
      const made = await given().post("/api/ssh-keys", { name: "own", public_key, private_key, key_type: "rsa" });
      assert.equal(made.status, 200);
      const { id, ...key } = made.body.ssh_key;
      assert.deepEqual(key, {
        name: "own",
        description: null,
        key_type: "rsa",
        public_key,
        is_active: true,
      });
      assert.equal((await given().get("/api/ssh-keys/system-key")).body.exists, false);
      const [listed] = (await given().get("/api/ssh-keys")).body.ssh_keys;
      assert.deepEqual([listed.id, listed.is_system_key, listed.fingerprint], [id, false, null]);
      const { ssh_key } = (await given().get(`/api/ssh-keys/${id}`)).body;
      assert.deepEqual(ssh_key.connections, []);
      assert.equal("fingerprint" in ssh_key, false);
    });

    it("Names of keys are unique", async () => {
      await given().systemKey();
      const { public_key, private_key } = await material();
      const made = await given().post("/api/ssh-keys", { name: "system", public_key, private_key });
      assert.deepEqual([made.status, made.error], [400, "ssh.keyNameAlreadyExists"]);
      const other = (await given().post("/api/ssh-keys", { name: "other", public_key, private_key })).body.ssh_key;
      const renamed = await given().put(`/api/ssh-keys/${other.id}`, { name: "system" });
      assert.deepEqual([renamed.status, renamed.error], [400, "ssh.keyNameAlreadyExists"]);
    });

    it("Key material that is none is refused by the public half alone", async () => {
      const bad = await given().post("/api/ssh-keys", { name: "k", public_key: "text", private_key: "x" });
      assert.deepEqual([bad.status, bad.error], [400, "ssh.invalidPublicKeyFormat"]);
      const { public_key } = await material();
      const junk = await given().post("/api/ssh-keys", { name: "k", public_key, private_key: "junk" });
      assert.equal(junk.status, 200);
    });

    it("An unknown key is not found, and a second deletion neither", async () => {
      const { id } = await given().systemKey();
      assert.equal((await given().delete(`/api/ssh-keys/${id}`)).status, 200);
      const asked = [
        await given().get(`/api/ssh-keys/${id}`),
        await given().put(`/api/ssh-keys/${id}`, { name: "x" }),
        await given().delete(`/api/ssh-keys/${id}`),
        await given().post(`/api/ssh-keys/${id}/test-connection`, { host: "h", username: "u" }),
      ];
      for (const { status, error } of asked) assert.deepEqual([status, error], [404, "ssh.sshKeyNotFound"]);
    });

    it("An id is never used again", async () => {
      const { id } = await given().systemKey();
      await given().delete(`/api/ssh-keys/${id}`);
      const next = await given().systemKey();
      assert.ok(next.id > id);
    });
  });
}

/** A new key pair as a client sends it. */
export async function material(passphrase = ""): Promise<{ public_key: string; private_key: string }> {
  const { publicKey, privateKey } = await makeKey("-t ed25519", passphrase);
  return { public_key: publicKey, private_key: privateKey };
}

function listing(publicKey: string): string {
  return execFileSync("ssh-keygen", ["-lf", "-"], { input: publicKey, encoding: "utf8" });
}

function fingerprintOf(publicKey: string): string {
  return listing(publicKey).split(" ")[1] ?? "";
}
