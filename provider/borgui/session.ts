import { z } from "zod";
import { isKind, ProviderError } from "../errors";
import { unreachable } from "../remote/networkError";
import { type RequestOptions, Requests } from "../remote/requests";
import { type HttpAnswer, request } from "../remote/transport";
import { type BorgUiConfig, describeLogin, type Login, requireLogin, requireUrl } from "./config";
import { failureOf, jsonIn } from "./failure";

const answer = z.object({ access_token: z.string().min(1).nullish(), totp_required: z.boolean().nullish() });

/**
 * The exchange of the login for a short-lived token. Borg UI hashes an access token with bcrypt at each request, about
 * half a second of its only worker; a session token costs it nothing.
 */
export class Session {
  readonly #config: BorgUiConfig;
  readonly #requests: Requests;
  #token: Promise<string> | undefined;
  #isRenewed = false;

  constructor(config: BorgUiConfig, options: RequestOptions) {
    this.#config = config;
    this.#requests = new Requests(options, 1);
  }

  /** The token, exchanged once. A refusal is final: Borg UI locks the address of five bad logins out for all users. */
  async token(): Promise<string> {
    this.#token ??= this.#exchange();
    try {
      return await this.#token;
    } catch (error) {
      if (isKind(error, "unavailable")) this.#token = undefined;
      throw error;
    }
  }

  /** Another token after the server has refused this one, at most once. Undefined: it is refused for good. */
  async renew(refused: string): Promise<string | undefined> {
    const current = await this.token();
    if (current !== refused) return current;
    if (this.#isRenewed) return undefined;
    this.#isRenewed = true;
    this.#token = undefined;
    return this.token();
  }

  async #exchange(): Promise<string> {
    const url = requireUrl(this.#config);
    const login = requireLogin(this.#config);
    const purpose = "log in to Borg UI";
    const { status, body, retryAfter } = await this.#requests.repeatable({
      purpose,
      send: async (signal) => {
        let found: HttpAnswer;
        try {
          found = await request(new URL(`${url}/api/auth/${login.token === undefined ? "login" : "refresh"}`), {
            method: "POST",
            signal,
            ...credentials(login),
          });
        } catch (error) {
          throw unreachable(purpose, url, error);
        }
        if (found.status === 429 || found.status >= 500) throw failureOf({ purpose, url, repeatable: true }, found);
        return found;
      },
    });
    if (status === 401 || status === 403 || status === 400) throw this.#refused(login, { status, body, retryAfter });
    if (status !== 200) throw failureOf({ purpose, url }, { status, body, retryAfter });
    const { data } = answer.safeParse(jsonIn(body));
    if (data?.access_token) return data.access_token;
    if (data?.totp_required) {
      throw new ProviderError(
        "authentication",
        `Borg UI asks ${describeLogin(login)} for a one-time code, which no program has: use a token of that user instead.`,
      );
    }
    throw new ProviderError("answer", `Borg UI could not ${purpose}: its answer has no token. Is ${url} its address?`);
  }

  #refused(login: Login, found: HttpAnswer): ProviderError {
    const { message, kind } = failureOf({ purpose: "log in to Borg UI", url: requireUrl(this.#config) }, found);
    if (kind !== "authentication" || /one-time|takes no tokens/.test(message)) return new ProviderError(kind, message);
    const advice =
      login.token === undefined
        ? "check both. They are not sent again in this run, as Borg UI locks an address out after five"
        : "make another one in Borg UI under Settings, and set it there";
    return new ProviderError("authentication", `Borg UI refuses ${describeLogin(login)}: ${advice}.`);
  }
}

function credentials(login: Login): { headers: Record<string, string>; body?: string } {
  if (login.token !== undefined) return { headers: authorization(login.token) };
  const { username, password } = login;
  return {
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ username, password }).toString(),
  };
}

/** Borg UI prefers its own header, as reverse proxies may own the standard one. */
export function authorization(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}`, "x-borg-authorization": `Bearer ${token}` };
}
