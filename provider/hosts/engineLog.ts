import { credentials, Metadata } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

/** Time for the engine to take one line. Milliseconds. */
const TIMEOUT = 5_000;

/** Lines for the person at the screen. The engine shows them beside the resource; it hides a plugin's own output. */
export class EngineLog {
  #engine: EngineClient | undefined;
  /** The lines so far. Each waits for the one before, as the engine shows lines in the order of their arrival. */
  #sent: Promise<void> = Promise.resolve();

  /** @param address of the engine, `HOST:PORT`; a later one counts from then on */
  connect(address: string): void {
    this.#engine?.close();
    // A process that outlives an engine must not speak to the next one on that port over the old connection.
    this.#engine = new EngineClient(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  }

  /** Sends a line. A line that the engine does not take is lost, and nothing else. */
  info(urn: string, line: string): void {
    const engine = this.#engine;
    if (!engine) {
      process.stderr.write(`${line}\n`);
      return;
    }
    const request = new LogRequest().setSeverity(LogSeverity.INFO).setMessage(line).setUrn(urn);
    this.#sent = this.#sent.then(
      () =>
        new Promise((resolve) => {
          engine.log(request, new Metadata(), { deadline: Date.now() + TIMEOUT }, () => resolve());
        }),
    );
  }

  /** Resolves when the engine has every line: it shows none after the call that it belongs to. */
  flush(): Promise<void> {
    return this.#sent;
  }

  close(): void {
    this.#engine?.close();
  }
}
