import { checkAddress } from "../config";
import { ProviderError } from "../errors";
import type { ProviderSettings } from "../settings";

/** Credentials of a user of Borg UI, and where they come from. Error messages name the source, never a value. */
export type Login = { source: "given" | "environment" } & (
  | { token: string }
  | { token?: undefined; username: string; password: string }
);

export interface BorgUiConfig {
  /** Address without a slash at its end. Absent: an error on first use, as other resources need none. */
  url?: string;
  login?: Login;
}

/** The first complete login wins: the provider's token, its user, `BORG_UI_TOKEN`, `BORG_UI_USERNAME` with `BORG_UI_PASSWORD`. */
export function resolveBorgUi(settings: ProviderSettings, environment: NodeJS.ProcessEnv = process.env): BorgUiConfig {
  const url = (settings.borgUiUrl || environment.BORG_UI_URL || "").trim().replace(/\/+$/, "");
  const login =
    loginOf("given", settings.borgUiToken, settings.borgUiUsername, settings.borgUiPassword) ??
    loginOf("environment", environment.BORG_UI_TOKEN, environment.BORG_UI_USERNAME, environment.BORG_UI_PASSWORD);
  return { ...(url && { url }), ...(login && { login }) };
}

function loginOf(source: Login["source"], token = "", username = "", password = ""): Login | undefined {
  if (token.trim()) return { source, token: token.trim() };
  return username && password ? { source, username, password } : undefined;
}

/** @throws `input` or `refused` */
export function requireUrl({ url }: BorgUiConfig): string {
  if (url === undefined) {
    throw new ProviderError(
      "input",
      "No Borg UI server is set: run `pulumi config set borgbase:borgUiUrl URL`, or set BORG_UI_URL.",
    );
  }
  const address = checkAddress(url, {
    what: "The address of Borg UI",
    setting: "`borgbase:borgUiUrl` or BORG_UI_URL",
    secret: "login",
  });
  return address.replace(/\/+$/, "");
}

/** @throws `authentication` */
export function requireLogin({ login }: BorgUiConfig): Login {
  if (login === undefined) {
    throw new ProviderError(
      "authentication",
      "No login of Borg UI is set. Make a token in Borg UI under Settings, then run `pulumi config set --secret " +
        "borgbase:borgUiToken TOKEN`, or set BORG_UI_TOKEN; or give borgUiUsername and borgUiPassword.",
    );
  }
  // Node refuses other characters in a header, and its error would show the token.
  if (login.token !== undefined && !/^[\x21-\x7e]+$/.test(login.token)) {
    throw new ProviderError(
      "authentication",
      `Borg UI would refuse ${describeLogin(login)}: it holds blanks, line breaks or other characters that no token has. Copy it again.`,
    );
  }
  return login;
}

/** Names the login in messages. */
export function describeLogin({ source, token }: Login): string {
  const given = source === "given";
  if (token !== undefined)
    return given ? "the token of the Provider or `borgbase:borgUiToken`" : "the token in BORG_UI_TOKEN";
  return given
    ? "the user and password of the Provider or the stack"
    : "the user and password in BORG_UI_USERNAME and BORG_UI_PASSWORD";
}
