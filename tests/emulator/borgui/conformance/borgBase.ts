import { strict as assert } from "node:assert";
import { Subject } from "../../support";
import type { Server } from "../support";
import { fresh, Repositories } from "./repository";

/** Repositories at BorgBase, where the server logs in with its system key. */
export function borgBaseTests(given: () => Server): void {
  describe("repositories at BorgBase", () => {
    const repositories = new Repositories(given);
    let borgBase: Subject;
    before(async () => {
      borgBase = await Subject.start({ storage: true });
    });
    after(() => borgBase?.close());

    /** A connection to a new repository at BorgBase, which the system key opens. */
    async function connect(): Promise<{ connection: number; repo: string; port: number }> {
      const { id: key, public_key } = await given().systemKey();
      const keyId = await borgBase.addKey(fresh("ui"), public_key);
      const repo = await borgBase.addRepo({ fullAccessKeys: [keyId] });
      const port = borgBase.emulator.ssh?.port ?? 0;
      const input = { host: "127.0.0.1", port, username: repo };
      const { body } = await given().post(`/api/ssh-keys/${key}/test-connection`, input);
      assert.equal(body.success, false, "BorgBase refuses the test's command");
      return { connection: body.connection.id, repo, port };
    }

    it("A connection whose test failed serves borg, and the address is built from it", async () => {
      const { connection, repo, port } = await connect();
      const { path, execution_target, id } = await repositories.created({ connection_id: connection, path: "/./repo" });
      assert.deepEqual([path, execution_target], [`ssh://${repo}@127.0.0.1:${port}/./repo`, "ssh"]);
      assert.equal((await repositories.listed(id)).execution_target, "ssh");
      const archives = await given().get(`/api/repositories/${id}/archives`);
      assert.deepEqual([archives.status, archives.body.archives], [200, []]);
    });

    it("A relative path becomes absolute", async () => {
      const { connection, repo, port } = await connect();
      const { status, error, body } = await repositories.create({ connection_id: connection, path: "rs/rel" });
      assert.deepEqual([status, error], [500, "repo.failedToInitializeRepository"]);
      assert.equal(typeof body.detail.params.error, "string");
      assert.deepEqual(await given().repositories(), []);
      const full = await repositories.created({ connection_id: connection, path: `ssh://x@y:1/./repo` });
      assert.equal(full.path, `ssh://${repo}@127.0.0.1:${port}/./repo`);
    });

    it("A changed host of a connection does not reach its repositories, until a change with the path", async () => {
      const { connection, repo, port } = await connect();
      const { id, path } = await repositories.created({ connection_id: connection, path: "/./repo" });
      await given().put(`/api/ssh-keys/connections/${connection}`, { host: "localhost" });
      assert.equal((await repositories.listed(id)).path, path);
      assert.equal((await given().put(`/api/repositories/${id}`, { path: "/./repo" })).status, 200);
      assert.equal((await repositories.listed(id)).path, `ssh://${repo}@localhost:${port}/./repo`);
    });

    it("A deleted connection leaves the repository, and borg finds no key", async () => {
      const { connection } = await connect();
      const { id } = await repositories.created({ connection_id: connection, path: "/./repo" });
      assert.equal((await given().delete(`/api/ssh-keys/connections/${connection}`)).status, 200);
      const archives = await given().get(`/api/repositories/${id}/archives`);
      assert.deepEqual([archives.status, archives.error], [500, "repo.failedToListArchives"]);
    });

    it("A repository over SSH has no permanent deletion", async () => {
      const { connection } = await connect();
      const { id, name } = await repositories.created({ connection_id: connection, path: "/./repo" });
      const input = { confirmation_phrase: name, understood: true };
      const answer = await given().post(`/api/repositories/${id}/permanent-delete`, input);
      assert.deepEqual([answer.status, answer.error], [400, "repo.permanentDeleteLocalOnly"]);
    });
  });
}
