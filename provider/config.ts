import { ProviderError } from "./errors";
import type { ProviderSettings } from "./settings";

/** Source of the token. Error messages name it, so that the user changes the right one. */
export type TokenSource = "given" | "BORGBASE_TOKEN" | "BORGBASE_API_TOKEN";

export interface Config {
  endpoint: string;
  /** Absent: an error on first use. `KeyPair` and `SshConnection` need none. */
  token?: string;
  tokenSource?: TokenSource;
}

/** The public service (the address in BorgBase's API documentation). */
export const DEFAULT_ENDPOINT = "https://api.borgbase.com/graphql";

/** The first that is set wins: provider, `BORGBASE_TOKEN`, `BORGBASE_API_TOKEN`; provider, `BORGBASE_ENDPOINT`, the public service. */
export function resolveConfig(settings: ProviderSettings, environment: NodeJS.ProcessEnv = process.env): Config {
  const endpoint = settings.endpoint || environment.BORGBASE_ENDPOINT || DEFAULT_ENDPOINT;
  const sources: [TokenSource, string | undefined][] = [
    ["given", settings.token],
    ["BORGBASE_TOKEN", environment.BORGBASE_TOKEN],
    ["BORGBASE_API_TOKEN", environment.BORGBASE_API_TOKEN],
  ];
  const found = sources.find(([, token]) => token?.trim());
  return found ? { endpoint, token: found[1]?.trim() as string, tokenSource: found[0] } : { endpoint };
}

/** Names the token in messages by its source, never by its text. */
export function describeToken(source: TokenSource | undefined): string {
  return source === "given" || source === undefined
    ? "the stack's token (of the Provider or `borgbase:token`; refresh and destroy use the one that the last `pulumi up` saved)"
    : `the token in the environment variable ${source}`;
}

/** Advice in messages about a refused token. */
export function renewToken(source: TokenSource | undefined): string {
  return source === "given" || source === undefined
    ? "set a new one with `pulumi config set --secret borgbase:token TOKEN`, then run `pulumi up` or `pulumi refresh --run-program`"
    : `put a new one into ${source}`;
}

export function requireToken(config: Config): string {
  if (config.token === undefined) {
    throw new ProviderError(
      "authentication",
      "No BorgBase API token is set. Make one at https://www.borgbase.com/account?tab=2, then run " +
        "`pulumi config set --secret borgbase:token TOKEN`, or set BORGBASE_TOKEN.",
    );
  }
  // Node refuses other characters in a header, and its error would show the token.
  if (!/^[\x21-\x7e]+$/.test(config.token)) {
    throw new ProviderError(
      "authentication",
      `BorgBase would refuse ${describeToken(config.tokenSource)}: it holds blanks, line breaks or other characters that no token has. Copy it again.`,
    );
  }
  return config.token;
}

/** @throws `input` or `refused` */
export function checkEndpoint(endpoint: string): string {
  return checkAddress(endpoint, {
    what: "The BorgBase endpoint",
    setting: "`borgbase:endpoint` or BORGBASE_ENDPOINT",
    secret: "token",
  });
}

/**
 * Validates an address. A password in it would reach state and messages; plain http would reveal the secret.
 * @param names words for messages: the address, where it is set, and what is sent there
 * @throws `input` or `refused`
 */
export function checkAddress(
  address: string,
  { what, setting, secret }: { what: string; setting: string; secret: string },
): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new ProviderError("input", `${what} (${setting}) must be an http(s) address without a user or password.`);
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new ProviderError(
      "refused",
      `${what} ${url.origin} is not encrypted, so the ${secret} will not be sent there: use https, or an address on this machine.`,
    );
  }
  return url.href;
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    /^127(\.\d+){3}$/.test(hostname) ||
    hostname === "[::1]"
  );
}
