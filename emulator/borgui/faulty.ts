import { setTimeout as delay } from "node:timers/promises";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type BorgUiFault, executesFirst } from "../faults";
import { endSession } from "./auth/signedIn";
import { BareError } from "./errors";
import { type Call, factory } from "./router";

/** The end of a request whose server was killed between two steps. */
class Killed extends BareError {}

/** Lets the server's end wait for the work of a request, also when its client has given up. */
export const tracked = factory.createMiddleware(async (c, next) => {
  const { requestsUnderWay } = c.var.context;
  const work = next();
  requestsUnderWay.add(work);
  try {
    await work;
  } finally {
    requestsUnderWay.delete(work);
  }
});

/** Applies the pending fault of a request. A fault names its request as `POST /api/ssh-keys/3/deploy`. */
export const faulty = factory.createMiddleware(async (c, next) => {
  const { faults, store, requests, latency, log } = c.var.context;
  const started = performance.now();
  const request = `${c.req.method} ${c.req.path}`;
  requests.set(request, (requests.get(request) ?? 0) + 1);
  const fault = faults.next([request, withoutIds(request)]);
  if (fault?.kind === "expire") endSession(c);
  c.set("crashPoint", async () => {
    if (fault?.kind !== "crash") return;
    throw new Killed();
  });
  if (!fault || executesFirst(fault)) {
    await next();
    if (c.req.method !== "GET") await store.commit();
  }
  if (latency.ms > 0) await delay(latency.ms);
  const replacement = fault && (await faultyResponse(c, fault));
  if (replacement) {
    // Otherwise the headers of the first response would join those of the second.
    c.res = undefined;
    c.res = replacement;
  }
  const status = replacement === RESPONSE_ALREADY_SENT ? "no answer" : c.res.status;
  log(`borg-ui ${request} ${status} ${Math.round(performance.now() - started)} ms${fault ? ` [${fault.kind}]` : ""}`);
});

/** A request's name for faults: ids in its path become `*`. */
function withoutIds(request: string): string {
  return request.replace(/\/\d+(?=\/|$)/g, "/*");
}

/** What the client gets instead of the answer; undefined for the answer itself. */
async function faultyResponse(c: Call, fault: BorgUiFault): Promise<Response | undefined> {
  switch (fault.kind) {
    case "reset":
    case "lost":
    case "crash":
      c.env.outgoing.socket?.resetAndDestroy();
      return RESPONSE_ALREADY_SENT;
    case "silence":
      return RESPONSE_ALREADY_SENT;
    case "status": {
      const headers = new Headers({ "Content-Type": "text/html" });
      if (fault.retryAfter !== undefined) headers.set("Retry-After", fault.retryAfter);
      return new Response("<html><h1>from a proxy</h1></html>\n", { status: fault.status, headers });
    }
    case "foreign":
      return Response.json({ status: "ok" });
    case "truncated": {
      const text = await c.res.text();
      return new Response(text.slice(0, text.length / 2), { status: c.res.status, headers: c.res.headers });
    }
    case "slow": {
      const { status, headers } = c.res;
      return new Response(slowly(await c.res.text(), fault.bytesPerSecond), { status, headers });
    }
    case "expire":
      return undefined;
  }
}

function slowly(text: string, bytesPerSecond: number): ReadableStream<Uint8Array> {
  const bytes = Buffer.from(text);
  let sent = 0;
  return new ReadableStream({
    async pull(stream) {
      if (sent === bytes.length) return stream.close();
      await delay(1000 / bytesPerSecond);
      stream.enqueue(bytes.subarray(sent, sent + 1));
      sent++;
    },
  });
}
