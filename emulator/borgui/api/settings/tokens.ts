import { randomBytes } from "node:crypto";
import { z } from "zod";
import { isoTime } from "../../../clock";
import { checkSecret, signedIn, TOKEN_PREFIX } from "../../auth/signedIn";
import { refusal } from "../../errors";
import { field, idParam, readBody } from "../../input";
import { router } from "../../router";

const tokenInput = z.object({ name: field.text() });

const PREFIX_LENGTH = 12;

/** Personal tokens. They have no expiry and no scopes, and their names may repeat. */
export const tokens = router()
  .get("/api/settings/tokens", signedIn, (c) => {
    const own = c.var.context.store.tokens.all().filter(({ user_id }) => user_id === c.var.user.id);
    return c.json(
      own.map(({ id, name, prefix, created_at, last_used_at }) => ({ id, name, prefix, created_at, last_used_at })),
    );
  })
  .post("/api/settings/tokens", signedIn, async (c) => {
    const { context, user } = c.var;
    const name = (await readBody(c, tokenInput)).name.trim();
    if (name === "") throw refusal(422, "tokens.nameRequired");
    await checkSecret(context);
    const secret = `${TOKEN_PREFIX}${randomBytes(32).toString("base64url")}`;
    const prefix = secret.slice(0, PREFIX_LENGTH);
    const created_at = isoTime(context.clock.now());
    const { id } = context.store.tokens.insert({
      user_id: user.id,
      name,
      secret,
      prefix,
      created_at,
      last_used_at: null,
    });
    return c.json({ id, name, token: secret, prefix, created_at }, 201);
  })
  .delete("/api/settings/tokens/:token_id", signedIn, (c) => {
    const { store } = c.var.context;
    const token = store.tokens.get(idParam(c, "token_id"));
    if (!token) throw refusal(404, "tokens.notFound");
    if (token.user_id !== c.var.user.id && c.var.user.role !== "admin") {
      throw refusal(403, "tokens.cannotRevokeOtherUsersToken");
    }
    store.tokens.delete(token.id);
    return c.body(null, 204);
  });
