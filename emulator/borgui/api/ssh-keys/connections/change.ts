import { z } from "zod";
import { signedIn } from "../../../auth/signedIn";
import { refusal } from "../../../errors";
import { field, idParam, readBody } from "../../../input";
import { router } from "../../../router";
import { hostInput } from "../host";
import { connectionOf, tested } from "../shapes";

const connectionChange = z.object({
  host: hostInput.nullish(),
  username: field.text().nullish(),
  port: field.integer().nullish(),
  default_path: field.text().nullish(),
  ssh_path_prefix: field.text().nullish(),
  mount_point: field.text().nullish(),
  use_sftp_mode: field.boolean().nullish(),
  use_sudo: field.boolean().nullish(),
});

export const change = router()
  /** Null keeps a value, and "" is stored. The status stays, also for a host that was never contacted. */
  .put("/api/ssh-keys/connections/:connection_id", signedIn, async (c) => {
    const { context } = c.var;
    const id = idParam(c, "connection_id");
    const changes = await readBody(c, connectionChange);
    const connection = connectionOf(context, id);
    const given = Object.entries(changes).filter(([, value]) => value !== null && value !== undefined);
    Object.assign(connection, Object.fromEntries(given));
    context.store.connections.save(connection);
    return c.json({ success: true, message: "backend.success.ssh.connectionUpdated", connection: tested(connection) });
  })
  /** Deletes the row alone. Repositories lose it; a backup plan that reads from it makes the statement fail. */
  .delete("/api/ssh-keys/connections/:connection_id", signedIn, (c) => {
    const { context } = c.var;
    const { store } = context;
    const { id } = connectionOf(context, idParam(c, "connection_id"));
    if (store.plans.find((plan) => plan.source_ssh_connection_id === id)) {
      const statement = "DELETE FROM ssh_connections WHERE ssh_connections.id = ?";
      const error = `(sqlite3.IntegrityError) FOREIGN KEY constraint failed\n[SQL: ${statement}]\n[parameters: (${id},)]`;
      throw refusal(500, "ssh.failedDeleteSshConnection", { error });
    }
    for (const repository of store.repositories.all()) {
      if (repository.connection_id !== id) continue;
      repository.connection_id = null;
      store.repositories.save(repository);
    }
    store.connections.delete(id);
    return c.json({ success: true, message: "backend.success.ssh.connectionDeleted" });
  });
