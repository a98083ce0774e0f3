import { randomBytes } from "node:crypto";

/**
 * The permission levels of a token, as borgbase/docs.borgbase.com names them in api.md: Read Only does queries and no
 * mutations, Create Only does exactly `repoAdd`, `sshAdd`, `repoList` and `sshList`, Full Access does everything.
 */
export const TOKEN_LEVELS = ["readOnly", "createOnly", "fullAccess"] as const;
export type TokenLevel = (typeof TOKEN_LEVELS)[number];

export interface Token {
  /** The text after `Bearer`. */
  secret: string;
  /** E-mail address of the account. */
  account: string;
  /** The token's name: its level at creation. */
  name: TokenLevel;
  level: TokenLevel;
  /** ISO time from which the token is refused; null for never. */
  expiresAt: string | null;
}

/** The three initial tokens of an account. */
export function newTokens(account: string): Token[] {
  return TOKEN_LEVELS.map((level) => ({
    secret: randomBytes(24).toString("hex"),
    account,
    name: level,
    level,
    expiresAt: null,
  }));
}

const CREATE_ONLY = new Set(["repoAdd", "sshAdd", "repoList", "sshList"]);

/** Fields that need no token: login, the state of the session, and introspection. */
const PUBLIC = new Set(["login", "isAuthenticated", "__schema", "__type", "__typename"]);

/** A root field of an operation, by the schema's name and not by its alias. */
export interface RootField {
  name: string;
  kind: "query" | "mutation";
}

/** Whether a caller of this level may use the field; null is a caller without token or session. */
export function mayUse(level: TokenLevel | null, field: RootField): boolean {
  if (PUBLIC.has(field.name)) return true;
  switch (level) {
    case null:
      return false;
    case "fullAccess":
      return true;
    case "readOnly":
      return field.kind === "query";
    case "createOnly":
      return CREATE_ONLY.has(field.name);
  }
}

/** Whether the token is still accepted at that time. */
export function isValid(token: Token, now: Date): boolean {
  return token.expiresAt === null || now < new Date(token.expiresAt);
}
