import { connect } from "node:net";
import { lazy } from "../lazy";
import { enginePort } from "./dynamicHostInternals";

/** Milliseconds until the engine is looked for again. */
const POLL_INTERVAL = 200;

/**
 * Ends this process when the engine that started it is gone. Pulumi's dynamic host outlives a CLI that was killed, and
 * would try an addition again while the next run makes the same.
 */
export const exitWithEngine = lazy(() => {
  const port = enginePort();
  if (port !== undefined) watch(port);
});

/** A living engine, too, hangs up on a connection that says nothing for minutes: only a refusal proves that it is gone. */
function watch(port: number): void {
  const connection = connect(port, "127.0.0.1").unref().resume();
  connection.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNREFUSED") process.exit(1);
  });
  connection.once("close", () => setTimeout(watch, POLL_INTERVAL, port).unref());
}
