import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { ProviderError } from "../errors";
import type { Context } from "../lifecycle/resource";
import { resourceOf } from "../registry";
import { Interruption } from "../remote/interruption";
import type { ProviderSettings } from "../settings";
import { nameOf } from "../token";
import { type Connection, contextFor, openConnection, originOfUrn } from "./connection";
import type { EngineLog } from "./engineLog";
import { toServiceError } from "./wire";

/** One run of an engine: its settings, its connection to the account, its log. */
export class PluginSession {
  #settings: ProviderSettings = {};
  #connection: Connection | undefined;
  #interruption = new Interruption();

  constructor(readonly log: EngineLog) {}

  /** Begins a run. An attached plugin serves several, one after the other. */
  configure(settings: ProviderSettings): void {
    this.#settings = settings;
    this.#connection = undefined;
    this.#interruption = new Interruption();
  }

  /** Ends every wait of the calls under way. At the end of a run there are none. */
  interrupt(gracePeriod?: number): void {
    this.#interruption.interrupt(gracePeriod);
  }

  get connection(): Connection {
    // Opened on first use: settings may be wrong, and some calls need none.
    this.#connection ??= openConnection(this.#settings, this.#interruption);
    return this.#connection;
  }

  /** Resource, context and secret properties of a call, by its URN. */
  async target(urn: string) {
    const resource = resourceOf(typeIn(urn));
    const log = (line: string) => this.log.info(urn, line);
    return { resource, context: this.context(urn, log), secrets: await secretsOf(resource) };
  }

  context(urn: string, log: (line: string) => void): Context {
    return contextFor(this.connection, originOfUrn(urn), { log });
  }

  /** A call that waits for a host ends with the run: its work is repeated by the next one. */
  async #beforeInterruption<T>(work: () => Promise<T>): Promise<T> {
    const { graceOver } = this.#interruption;
    let stopWatching = () => {};
    const interrupted = new Promise<never>((_, reject) => {
      const listener = () => {
        const error = new ProviderError("unavailable", "The run was interrupted while this was under way.");
        setTimeout(reject, LAST_WORDS, error).unref();
      };
      graceOver.addEventListener("abort", listener);
      stopWatching = () => graceOver.removeEventListener("abort", listener);
    });
    try {
      return await Promise.race([work(), interrupted]);
    } finally {
      stopWatching();
    }
  }

  /** A gRPC method whose result is the response, and whose error is one line for the person. */
  call<Request, Response>(handle: (request: Request) => Response | Promise<Response>) {
    return async ({ request }: ServerUnaryCall<Request, Response>, respond: sendUnaryData<Response>): Promise<void> => {
      try {
        const response = await this.#beforeInterruption(async () => handle(request));
        await this.log.flush();
        respond(null, response);
      } catch (error) {
        await this.log.flush();
        respond(toServiceError(error, await secretsIn(request)));
      }
    };
  }
}

/** Time that a call has after the grace period to fail with a reason of its own. Milliseconds. */
const LAST_WORDS = 500;

/** Name of the type in `urn:pulumi:STACK::PROJECT::PARENT$TOKEN::NAME`. */
function typeIn(urn: string): string {
  return nameOf(urn.split("::")[2]?.split("$").at(-1) ?? "");
}

async function secretsOf({ schema }: ReturnType<typeof resourceOf>): Promise<ReadonlySet<string>> {
  const fields = Object.entries(await schema.allFields());
  return new Set(fields.filter(([, { secret }]) => secret).map(([name]) => name));
}

/** None for a call that names no resource of this package. */
async function secretsIn(request: unknown): Promise<ReadonlySet<string> | undefined> {
  const { getUrn } = request as { getUrn?: () => string };
  try {
    return await secretsOf(resourceOf(typeIn(getUrn?.call(request) ?? "")));
  } catch {
    return undefined;
  }
}
