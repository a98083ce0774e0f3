import { checkEndpoint, describeToken, renewToken } from "../../provider/config";
import { isKind, messageOf } from "../../provider/errors";
import { unreachable } from "../../provider/remote/networkError";
import { type HttpAnswer, request } from "../../provider/remote/transport";
import type { Service } from "../services";
import { type Check, listed, needed, type Outcome, ok, outcomeOf, problem, Skipped, warning } from "./finding";
import { type Account, REQUEST_TIMEOUT, type Scene } from "./scene";

/** The API, the clock, and the accounts behind the tokens. */
export function accountChecks(scene: Scene): Check[] {
  const answers = new Map<string, Promise<TimedAnswer>>();
  const answerOf = (address: string) => {
    const known = answers.get(address) ?? ask(address);
    answers.set(address, known);
    return known;
  };
  const accounts = () => scene.accounts();
  const addresses = async () => [...new Set((await accounts()).map(({ service }) => service.address))];
  const each = <T>(items: T[], check: (item: T) => Promise<Outcome>) =>
    Promise.all(items.map((item) => check(item).catch(outcomeOf)));
  return [
    { name: "api", run: async () => each(await addresses(), (address) => api(address, answerOf(address))) },
    { name: "clock", run: async () => each(await addresses(), (address) => clock(answerOf(address))) },
    { name: "token", run: async () => each(await accounts(), (account) => token(account, scene)) },
    { name: "account", run: async () => each(await accounts(), (account) => owner(account, scene)) },
    { name: "borg-ui", run: async () => borgUi(await scene.services()) },
  ];
}

interface TimedAnswer extends HttpAnswer {
  /** This machine's time in the middle of the request. Milliseconds. */
  at: number;
}

/** A query without a token, which any GraphQL server answers. */
async function ask(address: string): Promise<TimedAnswer> {
  const endpoint = new URL(checkEndpoint(address));
  const started = Date.now();
  try {
    const answer = await request(endpoint, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query: "{ __typename }" }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT),
    });
    return { ...answer, at: (started + Date.now()) / 2 };
  } catch (error) {
    throw unreachable("reach the API", address, error);
  }
}

const CHECK_ADDRESS = "check the network, a proxy or firewall, and borgbase:endpoint or BORGBASE_ENDPOINT";

async function api(address: string, asked: Promise<TimedAnswer>): Promise<Outcome> {
  try {
    const { status, body } = await asked;
    if (/^\s*\{.*"(data|errors|detail)"/s.test(body)) return ok(address);
    return problem(`${address} answers with status ${status}, which is no answer of the API`, CHECK_ADDRESS);
  } catch (error) {
    return problem(messageOf(error), CHECK_ADDRESS);
  }
}

/** The header counts whole seconds. Milliseconds. */
const TOLERANCE = 30_000;

async function clock(asked: Promise<TimedAnswer>): Promise<Outcome> {
  const { date, at } = await needed(asked, "an answer of the API");
  const theirs = Date.parse(date ?? "");
  if (Number.isNaN(theirs)) throw new Skipped("not checked: the API's answer has no time");
  const ahead = at - theirs;
  if (Math.abs(ahead) <= TOLERANCE) return ok("the time is that of the API");
  return problem(
    `this machine's clock is ${duration(Math.abs(ahead))} ${ahead > 0 ? "ahead of" : "behind"} the API's`,
    "set the clock, and keep it with NTP: tokens, certificates and the times of backups depend on it",
  );
}

function duration(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 1) return `${Math.round(milliseconds / 1000)} s`;
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

async function token({ service, owner: read }: Account, scene: Scene): Promise<Outcome> {
  const { config } = service;
  if (config.token === undefined) return withoutToken(scene);
  try {
    const found = await read();
    const source = `${describeToken(config.tokenSource)} is accepted`;
    if (found.level === "reads") {
      return ok(`${source}, with the level Read Only or Full Access (only a change would tell which)`);
    }
    return warning(
      `${source}, with the level Create Only`,
      "use a token of the level Full Access for changes, replacements and deletions",
    );
  } catch (error) {
    if (isKind(error, "authentication")) {
      return problem(
        `${describeToken(config.tokenSource)} is refused`,
        `it may be mistyped, expired or revoked: ${renewToken(config.tokenSource)}`,
      );
    }
    if (isKind(error, "unavailable")) throw new Skipped("not checked without an answer of the API", CHECK_ADDRESS);
    throw error;
  }
}

const SET_TOKEN =
  "make one at https://www.borgbase.com/account?tab=2, then run `pulumi config set --secret borgbase:token TOKEN`, or set BORGBASE_TOKEN";

async function withoutToken(scene: Scene): Promise<Outcome> {
  try {
    const { resources } = await scene.state();
    if (resources.some(({ type }) => type === "borgbase:index:SshKey" || type === "borgbase:index:Repo")) {
      return problem("no token is set", SET_TOKEN);
    }
    return warning("no token is set, which SshKey and Repo would need", SET_TOKEN);
  } catch (error) {
    if (error instanceof Skipped) return problem("no token is set", SET_TOKEN);
    throw new Skipped("not checked: the environment has no token, and the stack's configuration cannot be read");
  }
}

async function owner({ service, owner: read }: Account, scene: Scene): Promise<Outcome> {
  const found = await needed(read(), "an accepted token");
  if (found.level === "createOnly") {
    throw new Skipped(
      "not checked: a token of the level Create Only may not tell whose account it is",
      "use a token of the level Read Only or Full Access",
    );
  }
  const { username, plan } = found;
  const name = plan === undefined ? username : `${username}, plan ${plan}`;
  const state = await scene.state().catch(() => undefined);
  const others = new Map<string, number>();
  for (const resource of state?.resources ?? []) {
    const { __account: whose } = resource.outputs;
    if (typeof whose !== "string" || whose === username || (await scene.serviceOf(resource)) !== service) continue;
    others.set(whose, (others.get(whose) ?? 0) + 1);
  }
  if (others.size === 0) return ok(name);
  const whose = listed([...others].map(([account, count]) => `${count} of the stack's objects belong to ${account}`));
  return problem(
    `the token is of the account ${username}, and ${whose}`,
    "use a token of the account that owns them; if the account was renamed, run `pulumi refresh`",
  );
}

async function borgUi(services: Service[]): Promise<Outcome[]> {
  const servers = services.filter(({ kind }) => kind === "borgUi");
  if (servers.length === 0) throw new Skipped("not used: no Borg UI server is set");
  const outcomes = servers.map(async (server): Promise<Outcome> => {
    try {
      await server.objects();
      return ok(`${server.address} accepts the login`);
    } catch (error) {
      return problem(messageOf(error), "check borgbase:borgUiUrl and the login, or BORG_UI_URL and BORG_UI_TOKEN");
    }
  });
  return Promise.all(outcomes);
}
