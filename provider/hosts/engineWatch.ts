import { connect } from "node:net";
import { enginePort } from "./dynamicHostInternals";

/** Delay between two connections to the engine. Milliseconds. */
const POLL_INTERVAL = 200;

/**
 * Exits this process when its engine has ended. Pulumi's dynamic host outlives a killed CLI: it would retry a create
 * while the next run sends the same one.
 */
export function exitWithEngine(port = enginePort()): void {
  if (port === undefined || isWatching) return;
  isWatching = true;
  watch(port);
}

let isWatching = false;

/** Only a refused connection proves the end: a running engine too closes a connection that is idle for minutes. */
function watch(port: number): void {
  const connection = connect(port, "127.0.0.1").unref().resume();
  connection.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNREFUSED") process.exit(1);
  });
  connection.once("close", () => setTimeout(watch, POLL_INTERVAL, port).unref());
}
