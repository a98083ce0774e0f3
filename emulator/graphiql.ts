import { readFileSync } from "node:fs";
import { htmlReply, type Reply } from "./api";
import { asset } from "./schema";

/** The GraphiQL page, whole in one file that the build makes; it loads nothing from elsewhere. */
export function graphiqlPage(): Reply {
  try {
    return { status: 200, type: "text/html; charset=utf-8", body: readFileSync(asset("graphiql.html"), "utf8") };
  } catch {
    return htmlReply(404, "GraphiQL is not part of this build: run `npm run build`");
  }
}
