import { readFileSync } from "node:fs";
import { htmlReply, type Reply } from "./api";
import { asset } from "./schema";

/** The GraphiQL page: one file that the build creates, without external resources. */
export function graphiqlPage(): Reply {
  try {
    return { status: 200, type: "text/html; charset=utf-8", body: readFileSync(asset("graphiql.html"), "utf8") };
  } catch {
    return htmlReply(404, "GraphiQL is not part of this build: run `npm run build`");
  }
}
