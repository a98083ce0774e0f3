import { isoTime } from "../../../clock";
import { checkSecret, newSession, signedIn } from "../../auth/signedIn";
import { badInputs, HttpError } from "../../errors";
import { type Call, router } from "../../router";

export const auth = router()
  .get("/api/auth/config", (c) => {
    const { login } = c.var.context.variants;
    return c.json({
      proxy_auth_enabled: login === "proxy",
      insecure_no_auth_enabled: login === "none",
      authentication_required: login === "password",
      oidc_enabled: false,
      proxy_auth_header: login === "proxy" ? "X-Forwarded-User" : null,
    });
  })
  .post("/api/auth/login", async (c) => {
    const { context } = c.var;
    const { store, clock, variants, loginLimit } = context;
    const { username, password } = await readLoginForm(c);
    const address = addressOf(c);
    if (variants.lockLogins) loginLimit.check(address);
    await checkSecret(context);
    const user = store.users.find((row) => row.username === username);
    if (user?.password !== password || user.password === "") {
      if (variants.lockLogins) loginLimit.failed(address);
      const detail = { key: "backend.errors.auth.incorrectCredentials" };
      throw new HttpError(401, detail, { "WWW-Authenticate": "Bearer" });
    }
    if (!user.is_active) throw new HttpError(401, { key: "backend.errors.auth.inactiveUser" });
    loginLimit.succeeded(address);
    user.last_login = isoTime(clock.now());
    store.users.save(user);
    return c.json({
      ...(await newSession(context, user)),
      must_change_password: user.must_change_password,
      ...NO_TOTP,
    });
  })
  .post("/api/auth/refresh", signedIn, async (c) =>
    c.json({ ...(await newSession(c.var.context, c.var.user)), must_change_password: false, ...NO_TOTP }),
  )
  .post("/api/auth/logout", signedIn, (c) => c.json({ message: "backend.success.auth.loggedOut", logout_url: null }))
  .post("/api/auth/password-setup/skip", signedIn, (c) => {
    c.var.user.must_change_password = false;
    c.var.context.store.users.save(c.var.user);
    return c.json({ must_change_password: false });
  });

const NO_TOTP = { totp_required: false, login_challenge_token: null };

/** @throws 422 for any body but a form with both fields. */
async function readLoginForm(c: Call): Promise<{ username: string; password: string }> {
  const isForm = /^(application\/x-www-form-urlencoded|multipart\/form-data)/.test(c.req.header("Content-Type") ?? "");
  const form = isForm ? await c.req.parseBody() : {};
  const { username, password } = form;
  const missing = ["username", "password"].filter((name) => typeof form[name] !== "string" || form[name] === "");
  if (missing.length > 0 || typeof username !== "string" || typeof password !== "string") {
    throw badInputs(
      missing.map((name) => ({ type: "missing", loc: ["body", name], msg: "Field required", input: null })),
    );
  }
  return { username, password };
}

/** A forwarded address counts, as every caller here comes from loopback. */
function addressOf(c: Call): string {
  const forwarded = c.req.header("X-Forwarded-For")?.split(",")[0]?.trim();
  return forwarded || (c.env.incoming.socket.remoteAddress ?? "unknown");
}
