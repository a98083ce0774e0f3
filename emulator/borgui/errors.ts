import type { ContentfulStatusCode } from "hono/utils/http-status";

/** An answer other than success. `detail` has one of three shapes: a text, `{ key, params? }`, or a list of bad inputs. */
export class HttpError extends Error {
  constructor(
    readonly status: ContentfulStatusCode,
    readonly detail: unknown,
    readonly headers: Record<string, string> = {},
  ) {
    super(`HTTP ${status}`);
  }
}

/** The server's fault without a JSON body: "Internal Server Error" as plain text. */
export class BareError extends Error {}

/** An error with a translation key, as `backend.errors.ssh.sshKeyNotFound`. */
export function refusal(status: ContentfulStatusCode, name: string, params?: Record<string, unknown>): HttpError {
  const key = `backend.errors.${name}`;
  return new HttpError(status, params === undefined ? { key } : { key, params });
}

/** Missing, wrong and expired credentials have the same answer. */
export function badCredentials(): HttpError {
  return new HttpError(401, "Could not validate credentials", { "WWW-Authenticate": "Bearer" });
}

/** A bad input as FastAPI reports it. It echoes the input, secrets included. */
export interface BadInput {
  type: string;
  loc: (string | number)[];
  msg: string;
  input: unknown;
}

export function badInputs(inputs: BadInput[]): HttpError {
  return new HttpError(422, inputs);
}
