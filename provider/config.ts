import { ProviderError } from "./errors";

/** Where the provider's settings came from, for error messages that name the one to mend. */
export type TokenSource = "given" | "BORGBASE_TOKEN" | "BORGBASE_API_TOKEN";

/** Settings as a host hands them over: those of the provider's entry in the program or state. Empty means not given. */
export interface GivenConfig {
  token?: string;
  endpoint?: string;
}

export interface Config {
  endpoint: string;
  /** Absent where none is set: an error only once something needs it, as `KeyPair` and `SshConnection` never do. */
  token?: string;
  tokenSource?: TokenSource;
}

/** The public service (the address in BorgBase's API documentation). */
export const DEFAULT_ENDPOINT = "https://api.borgbase.com/graphql";

/** The first that is set wins: given, `BORGBASE_TOKEN`, `BORGBASE_API_TOKEN`; given, `BORGBASE_ENDPOINT`, the public service. */
export function resolveConfig(given: GivenConfig, environment: NodeJS.ProcessEnv = process.env): Config {
  const endpoint = given.endpoint || environment.BORGBASE_ENDPOINT || DEFAULT_ENDPOINT;
  const sources: [TokenSource, string | undefined][] = [
    ["given", given.token],
    ["BORGBASE_TOKEN", environment.BORGBASE_TOKEN],
    ["BORGBASE_API_TOKEN", environment.BORGBASE_API_TOKEN],
  ];
  const found = sources.find(([, token]) => token?.trim());
  return found ? { endpoint, token: found[1]?.trim() as string, tokenSource: found[0] } : { endpoint };
}

/** The token as a person knows it, for messages; never its text. */
export function describeToken(source: TokenSource | undefined): string {
  return source === "given" || source === undefined
    ? "the stack's token (of the Provider or `borgbase:token`; refresh and destroy use the one that the last `pulumi up` saved)"
    : `the token in the environment variable ${source}`;
}

/** What to do about a token that is refused, for messages. */
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
  // Anything else cannot stand in a header, and the error that says so would show it.
  if (!/^[\x21-\x7e]+$/.test(config.token)) {
    throw new ProviderError(
      "authentication",
      `BorgBase would refuse ${describeToken(config.tokenSource)}: it holds blanks, line breaks or other characters that no token has. Copy it again.`,
    );
  }
  return config.token;
}

/** An address with a password in it would end in state and messages; anything but http(s) cannot be spoken. */
export function checkEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new ProviderError(
      "input",
      "The BorgBase endpoint (`borgbase:endpoint` or BORGBASE_ENDPOINT) must be an http(s) address without a user or password.",
    );
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new ProviderError(
      "refused",
      `The BorgBase endpoint ${url.origin} is not encrypted, so the token will not be sent there: use https, or an address on this machine.`,
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
