import { z } from "zod";
import { isoTime } from "../../../clock";
import { adminOnly } from "../../auth/signedIn";
import { refusal } from "../../errors";
import { field, idParam, readBody } from "../../input";
import { requireUser } from "../../licence";
import { router } from "../../router";
import type { User } from "../../store/rows";

const userInput = z.object({
  username: field.text(),
  password: field.text(),
  email: field.text(),
  full_name: field.text().nullish(),
  /** Any text is accepted. */
  role: field.text().default("viewer"),
});

export const users = router()
  .get("/api/settings/users", adminOnly("settings"), (c) =>
    c.json({ success: true, users: c.var.context.store.users.all().map(shown) }),
  )
  .post("/api/settings/users", adminOnly("settings"), async (c) => {
    const { context } = c.var;
    const input = await readBody(c, userInput);
    requireUser(context);
    const taken = (name: "username" | "email") => context.store.users.find((user) => user[name] === input[name]);
    if (taken("username")) throw refusal(400, "settings.usernameAlreadyExists");
    if (taken("email")) throw refusal(400, "settings.emailAlreadyExists");
    const user = context.store.users.insert({
      ...input,
      full_name: input.full_name ?? null,
      is_active: true,
      must_change_password: false,
      created_at: isoTime(context.clock.now()),
      last_login: null,
    });
    return c.json({ success: true, message: "backend.success.settings.userCreated", user: shown(user) });
  })
  .delete("/api/settings/users/:user_id", adminOnly("settings"), (c) => {
    const { store } = c.var.context;
    const user = store.users.get(idParam(c, "user_id"));
    if (!user) throw refusal(404, "settings.userNotFound");
    const admins = store.users.all().filter(({ role }) => role === "admin");
    if (user.role === "admin" && admins.length === 1) throw refusal(400, "settings.cannotDeleteLastAdmin");
    store.users.delete(user.id);
    return c.json({ success: true, message: "backend.success.settings.userDeleted" });
  });

function shown({ id, username, full_name, email, is_active, role, created_at, last_login }: User) {
  return { id, username, full_name, email, is_active, role, created_at, last_login };
}
