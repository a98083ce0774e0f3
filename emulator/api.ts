import { randomBytes } from "node:crypto";
import { type ExecutionResult, execute, GraphQLError } from "graphql";
import { me, overageList } from "./account";
import type { Context } from "./context";
import type { GraphqlRequest } from "./graphqlRequest";
import { repo, repoAdd, repoCompact, repoDelete, repoEdit, repoList } from "./repos";
import { type Checked, lenientVariables, Schema } from "./schema";
import type { Variants } from "./serverVariants";
import { sshAdd, sshDelete, sshList } from "./sshKeys";
import type { Account } from "./store";
import { isValid, mayUse, type RootField, type Token, type TokenLevel } from "./tokens";

/** The sender of a request. `refused`: its token is unknown or expired. Without account and not `refused`: anonymous. */
export interface Caller {
  account: Account | null;
  level: TokenLevel | null;
  token: Token | null;
  refused: boolean;
}

/** An HTTP response before it is written. */
export interface Reply {
  status: number;
  type: string;
  body: string;
  headers?: Record<string, string>;
}

/** The message of django-graphql-jwt, on which the real API is built: kiwix/borg-backup#62 shows its JWT errors. */
const NO_PERMISSION = "You do not have permission to perform this action";

interface RequestContext {
  caller: Caller;
  /** Set by `login`. */
  session: string | null;
}

/** The GraphQL API: sessions, permissions, and the resolvers of every object. */
export class Api {
  /** Schemas by the variants that they depend on. */
  private readonly schemas = new Map<string, Schema>();
  /** Session id to e-mail address; sessions end with the process. */
  private readonly sessions = new Map<string, string>();

  constructor(private readonly context: Context) {}

  check(query: string): Checked {
    return this.schema().check(query);
  }

  private schema(): Schema {
    const { sshDeleteId, nullableVariables } = this.context.variants;
    const name = `${sshDeleteId} ${nullableVariables}`;
    const schema = this.schemas.get(name) ?? new Schema({ sshDeleteId, nullableVariables });
    this.schemas.set(name, schema);
    return schema;
  }

  /** The scheme before the token is matched without regard to case: scripts send `bearer`. */
  caller(authorization: string | undefined, cookie: string | undefined): Caller {
    const secret = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (secret !== undefined || authorization) {
      const token = this.context.store.tokens.find((candidate) => candidate.secret === secret);
      if (!token || !isValid(token, this.context.clock.now())) return { ...ANONYMOUS, refused: true };
      return { account: this.account(token.account), level: token.level, token, refused: false };
    }
    const session = /(?:^|; *)sessionid=([^;]+)/.exec(cookie ?? "")?.[1];
    const email = session === undefined ? undefined : this.sessions.get(session);
    return email === undefined
      ? ANONYMOUS
      : { account: this.account(email), level: "fullAccess", token: null, refused: false };
  }

  /** The response to a rejected token or a too low level, where the variants answer these with an HTTP status. */
  refusal(caller: Caller, fields: RootField[]): Reply | undefined {
    const { badToken, lowLevel, errorBody } = this.context.variants;
    const introspects = fields.length > 0 && fields.every((field) => field.name.startsWith("__"));
    if (caller.refused && badToken !== "200" && !introspects) {
      return refusalBody(Number(badToken), "Invalid or expired token", errorBody);
    }
    const low = caller.level !== null && fields.some((field) => !mayUse(caller.level, field));
    return low && lowLevel === "403" ? refusalBody(403, NO_PERMISSION, errorBody) : undefined;
  }

  async run(request: GraphqlRequest, checked: Checked, caller: Caller): Promise<Reply> {
    if (checked.errors) {
      return json(this.context.variants.refusedQuery === "400" ? 400 : 200, { errors: checked.errors });
    }
    const requestContext: RequestContext = { caller, session: null };
    const result = await execute({
      schema: this.schema().schema,
      document: checked.document,
      rootValue: this.root,
      contextValue: requestContext,
      variableValues: lenientVariables(checked.document, request.variables),
      operationName: request.operationName,
    });
    if (result.data === undefined) return json(this.context.variants.refusedQuery === "400" ? 400 : 200, result);
    const reply = json(200, this.context.variants.newer ? withUnknownFields(result) : result);
    if (requestContext.session === null) return reply;
    return {
      ...reply,
      headers: { "Set-Cookie": `sessionid=${requestContext.session}; HttpOnly; Path=/; SameSite=Lax` },
    };
  }

  private account(email: string): Account | null {
    return this.context.store.accounts.find((account) => account.email === email) ?? null;
  }

  /** A resolver of a root field, behind the check of the caller's level. */
  private guarded<A, R>(
    name: string,
    kind: RootField["kind"],
    resolve: (context: Context, account: Account, args: A) => R,
  ) {
    return (args: A, { caller }: RequestContext): R => {
      if (!caller.account || !mayUse(caller.level, { name, kind })) {
        throw new GraphQLError(caller.refused ? "Invalid or expired token" : NO_PERMISSION);
      }
      return resolve(this.context, caller.account, args);
    };
  }

  private readonly root = {
    isAuthenticated: (_: unknown, { caller }: RequestContext) => caller.account !== null,
    login: (args: { username: string; password: string }, requestContext: RequestContext) =>
      this.login(args, requestContext),
    me: this.guarded("me", "query", me),
    overageList: this.guarded("overageList", "query", overageList),
    repo: this.guarded("repo", "query", repo),
    repoList: this.guarded("repoList", "query", repoList),
    sshList: this.guarded("sshList", "query", sshList),
    repoAdd: this.guarded("repoAdd", "mutation", repoAdd),
    repoEdit: this.guarded("repoEdit", "mutation", repoEdit),
    repoDelete: this.guarded("repoDelete", "mutation", repoDelete),
    repoCompact: this.guarded("repoCompact", "mutation", repoCompact),
    sshAdd: this.guarded("sshAdd", "mutation", sshAdd),
    sshDelete: this.guarded("sshDelete", "mutation", sshDelete),
  };

  private login(args: { username: string; password: string }, requestContext: RequestContext) {
    const account = this.account(args.username);
    if (!account || account.password !== args.password) throw new GraphQLError("Please enter valid credentials");
    requestContext.session = randomBytes(24).toString("base64url");
    this.sessions.set(requestContext.session, account.email);
    const [oldest] = this.sessions.keys();
    if (this.sessions.size > MAX_SESSIONS && oldest !== undefined) this.sessions.delete(oldest);
    return { user: { id: account.id, username: account.email } };
  }
}

const MAX_SESSIONS = 1000;

const ANONYMOUS: Caller = { account: null, level: null, token: null, refused: false };

export function json(status: number, content: unknown): Reply {
  return { status, type: "application/json", body: JSON.stringify(content) };
}

function refusalBody(status: number, message: string, form: Variants["errorBody"]): Reply {
  switch (form) {
    case "errors":
      return json(status, { errors: [{ message }] });
    case "detail":
      return json(status, { detail: message });
    case "html":
      return htmlReply(status, message);
  }
}

/** The response of a proxy in front of an API. */
export function htmlReply(status: number, title: string): Reply {
  const body = `<html>\n<head><title>${status} ${title}</title></head>\n<body><h1>${status} ${title}</h1></body>\n</html>\n`;
  return { status, type: "text/html", body };
}

/** The response of a future server: every object has a field that no client requested. */
function withUnknownFields(result: ExecutionResult): ExecutionResult {
  const extended = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(extended);
    if (typeof value !== "object" || value === null) return value;
    const fields = Object.entries(value).map(([name, field]) => [name, extended(field)]);
    return Object.fromEntries([...fields, ["addedLater", "new"]]);
  };
  return { ...result, data: extended(result.data) as ExecutionResult["data"], extensions: { addedLater: "new" } };
}
