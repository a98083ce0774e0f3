import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { ProviderSettings } from "../config";
import type { Context } from "../lifecycle/resource";
import { resourceOf } from "../registry";
import { type Connection, contextFor, openConnection, originOfUrn } from "./connection";
import type { EngineLog } from "./engineLog";
import { toServiceError } from "./wire";

/** One run of an engine: its settings, its connection to the account, its log. */
export class PluginSession {
  #settings: ProviderSettings = {};
  #connection: Connection | undefined;

  constructor(readonly log: EngineLog) {}

  /** Begins a run. An attached plugin serves several, one after the other. */
  configure(settings: ProviderSettings): void {
    this.#settings = settings;
    this.#connection = undefined;
  }

  get connection(): Connection {
    // Opened on first use: settings may be wrong, and some calls need none.
    this.#connection ??= openConnection(this.#settings);
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

  /** A gRPC method whose result is the response, and whose error is one line for the person. */
  call<Request, Response>(handle: (request: Request) => Response | Promise<Response>) {
    return async ({ request }: ServerUnaryCall<Request, Response>, respond: sendUnaryData<Response>): Promise<void> => {
      try {
        const response = await handle(request);
        await this.log.flush();
        respond(null, response);
      } catch (error) {
        await this.log.flush();
        respond(toServiceError(error, await secretsIn(request)));
      }
    };
  }
}

/** The last part of `urn:pulumi:STACK::PROJECT::PARENT$borgbase:index:TYPE::NAME`. */
function typeIn(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1)?.split(":").at(-1) ?? "";
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
