import { connect } from "node:net";
import { setFlagsFromString } from "node:v8";
import { once } from "../once";
import { quietExpectedErrors } from "./expectedErrors";

/** Makes Pulumi's dynamic host, whose process serves all dynamic resources of a program, a good one for ours. */
export const prepareProcess = once(() => {
  quietExpectedErrors();
  endWithEngine();
  keepYoungGeneration();
});

/**
 * Whatever a call allocates dies with it, yet V8 doubles its young generation as long as some of it survives: 60 MB more
 * at a thousand resources, for no less CPU time. The factor is read anew each time that it would grow.
 */
function keepYoungGeneration(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

/** Milliseconds until the engine is looked for again. */
const PAUSE = 200;

/**
 * Ends this process when the engine that started it is gone. Pulumi's dynamic host outlives a CLI that was killed, and
 * would try an addition again while the next run makes the same. The host is started with the engine's address.
 */
function endWithEngine(): void {
  const port = /^127\.0\.0\.1:(\d+)$/.exec(process.argv[2] ?? "")?.[1];
  if (port) watch(Number(port));
}

/** A living engine, too, hangs up on a connection that says nothing for minutes: only a refusal proves that it is gone. */
function watch(port: number): void {
  const connection = connect(port, "127.0.0.1").unref().resume();
  connection.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNREFUSED") process.exit(1);
  });
  connection.once("close", () => setTimeout(watch, PAUSE, port).unref());
}
