import type { Http2Bindings, HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import { auth } from "./api/auth";
import { plans } from "./api/backup-plans/plans";
import { runs } from "./api/backup-plans/runs";
import { change } from "./api/repositories/change";
import { checkSchedule } from "./api/repositories/checkSchedule";
import { create } from "./api/repositories/create";
import { remove } from "./api/repositories/delete";
import { importRepository } from "./api/repositories/import";
import { keyfile } from "./api/repositories/keyfile";
import { read } from "./api/repositories/read";
import { scripts } from "./api/scripts";
import { tokens } from "./api/settings/tokens";
import { users } from "./api/settings/users";
import { change as changeConnection } from "./api/ssh-keys/connections/change";
import { contacts } from "./api/ssh-keys/connections/contact";
import { hostKey } from "./api/ssh-keys/connections/hostKey";
import { list } from "./api/ssh-keys/connections/list";
import { deploy } from "./api/ssh-keys/deploy";
import { keys } from "./api/ssh-keys/keys";
import { quickSetup } from "./api/ssh-keys/quickSetup";
import { systemKey } from "./api/ssh-keys/systemKey";
import { info } from "./api/system/info";
import type { Context } from "./context";
import { BareError, HttpError } from "./errors";
import { faulty, tracked } from "./faulty";
import { type Env, router } from "./router";

/** Where two paths fit a request, the first route answers. */
const ROUTES = [
  auth,
  info,
  tokens,
  users,
  systemKey,
  quickSetup,
  list,
  contacts,
  hostKey,
  changeConnection,
  deploy,
  keys,
  create,
  importRepository,
  checkSchedule,
  keyfile,
  read,
  change,
  remove,
  runs,
  plans,
  scripts,
];

/** The REST API of a Borg UI server; `control` has the routes of the controls. */
export function createApp(context: Context, control: Hono<Env> | null): Hono<Env> {
  const app = router();
  app.use(async (c, next) => {
    c.set("context", context);
    await next();
  });
  if (control) app.route("/", control);
  app.use(tracked);
  app.use(faulty);
  for (const routes of ROUTES) app.route("/", routes);
  // A path of the user interface. Without that, a page says that it is missing.
  app.get("*", (c) => (c.req.path.startsWith("/api/") ? c.notFound() : c.html("<h1>Borg UI</h1>")));
  // No redirect leads from one form of a path to the other.
  app.notFound((c) =>
    c.req.method === "GET"
      ? c.json({ detail: "Not Found" }, 404)
      : c.json({ detail: "Method Not Allowed" }, 405, { Allow: "GET" }),
  );
  app.onError((error, c) => {
    if (error instanceof HttpError) return c.json({ detail: error.detail }, error.status, error.headers);
    if (!(error instanceof BareError)) context.log(`error: ${error.stack}`);
    return c.text("Internal Server Error", 500);
  });
  return app;
}

/** Answers a request; the prefix of a server behind a proxy is optional in paths. */
export function fetchWithPrefix(app: Hono<Env>, prefix: string) {
  return (request: Request, bindings: HttpBindings | Http2Bindings) => {
    const url = new URL(request.url);
    if (prefix === "" || !url.pathname.startsWith(`${prefix}/`)) return app.fetch(request, bindings);
    url.pathname = url.pathname.slice(prefix.length);
    return app.fetch(new Request(url, request), bindings);
  };
}
