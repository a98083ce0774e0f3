import assert from "node:assert/strict";
import { z } from "zod";
import { type Call, Client } from "../../../provider/borgui/client";
import type { BorgUiConfig } from "../../../provider/borgui/config";
import { type ErrorKind, ProviderError } from "../../../provider/errors";
import { IMPATIENT, PASSWORD, type Reply, ScriptedServer, SESSION } from "./support/server";

const PATH = "/api/ssh-keys";
const LIST: Call<{ ssh_keys: unknown[] }> = {
  purpose: "list the SSH keys",
  path: PATH,
  answer: z.object({ ssh_keys: z.array(z.unknown()) }),
};
const ADD: Call<{ id: number }> = {
  purpose: 'add the SSH key "web"',
  method: "POST",
  path: PATH,
  body: { name: "web", private_key: "-----BEGIN what nobody may see" },
  answer: z.object({ id: z.number() }),
};
const EMPTY: Reply = { body: { ssh_keys: [] } };
const BAD_TOKEN: Reply = { status: 401, body: { detail: "Could not validate credentials" } };
const detail = (status: number, told: unknown, headers = {}): Reply => ({ status, body: { detail: told }, headers });

async function withServer(
  replies: Parameters<typeof ScriptedServer.start>[0],
  work: (client: Client, server: ScriptedServer) => Promise<void>,
  login?: BorgUiConfig["login"],
): Promise<void> {
  const server = await ScriptedServer.start(replies);
  try {
    await work(new Client({ ...server.config, ...(login && { login }) }, IMPATIENT), server);
  } finally {
    await server.close();
  }
}

/** The message of the expected failure: of this kind, on one line, without a secret. */
async function failure(work: Promise<unknown>, kind: ErrorKind): Promise<string> {
  const error = await work.then(
    (result) => assert.fail(`it succeeded with ${JSON.stringify(result)}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ProviderError, String(error));
  assert.equal(error.kind, kind, error.message);
  assert.doesNotMatch(error.message, /[\r\n]/);
  for (const secret of [PASSWORD, SESSION, "what nobody may see"]) assert.ok(!error.message.includes(secret));
  return error.message;
}

describe("Session of Borg UI", () => {
  it("The login is exchanged once for all calls of a process, and both headers carry the session", () =>
    withServer({ [`GET ${PATH}`]: EMPTY }, async (client, server) => {
      await Promise.all([client.read(LIST), client.read(LIST), client.read(LIST)]);
      assert.deepEqual(server.lines, ["POST /api/auth/login", ...Array(3).fill(`GET ${PATH}`)]);
      assert.equal(server.received[0]?.body, `username=admin&password=${PASSWORD}`);
      const { authorization, "x-borg-authorization": own } = server.received[1]?.headers ?? {};
      assert.deepEqual([authorization, own], [`Bearer ${SESSION}`, `Bearer ${SESSION}`]);
    }));

  it("A token is exchanged for a session, as each request with a token costs the server a hash", () =>
    withServer(
      { [`GET ${PATH}`]: EMPTY },
      async (client, server) => {
        await client.read(LIST);
        assert.deepEqual(server.lines, ["POST /api/auth/refresh", `GET ${PATH}`]);
        assert.equal(server.received[0]?.headers.authorization, "Bearer borgui_1");
      },
      { source: "given", token: "borgui_1" },
    ));

  it("A session that ended is renewed once, and a second refusal is an error", () => {
    let refusals = 3;
    const answer = () => (refusals-- > 0 ? BAD_TOKEN : EMPTY);
    return withServer({ [`GET ${PATH}`]: answer }, async (client, server) => {
      await failure(client.read(LIST), "authentication");
      assert.equal(server.lines.filter((line) => /login/.test(line)).length, 2);
    });
  });

  it("A wrong password is sent once, whatever else is asked for", () =>
    withServer(
      { "POST /api/auth/login": detail(401, { key: "backend.errors.auth.incorrectCredentials" }) },
      (client, server) =>
        Promise.all([client.read(LIST), client.read(LIST)].map((call) => failure(call, "authentication"))).then(
          async () => {
            assert.match(await failure(client.read(LIST), "authentication"), /refuses the user and password/);
            assert.deepEqual(server.lines, ["POST /api/auth/login"]);
          },
        ),
    ));

  const REFUSALS: [string, Reply, ErrorKind, RegExp][] = [
    ["a lock after bad logins", detail(429, "slow down", { "retry-after": "900" }), "unavailable", /wait 900 s/],
    ["a one-time code", { body: { totp_required: true } }, "authentication", /one-time code/],
    [
      "a proxy's logins",
      detail(401, { key: "auth.proxyHeaderRequired", params: { header: "X" } }),
      "authentication",
      /takes no tokens/,
    ],
    ["another service", { body: "<html>" }, "answer", /Is http.* its address/],
  ];
  for (const [what, reply, kind, expected] of REFUSALS) {
    it(`A login that meets ${what} fails with ${kind}`, () =>
      withServer({ "POST /api/auth/login": reply }, async (client) => {
        assert.match(await failure(client.read(LIST), kind), expected);
      }));
  }

  it("No login and no address are errors that say how to set them, before any request", async () => {
    const without = (config: BorgUiConfig) =>
      failure(new Client(config, IMPATIENT).read(LIST), "url" in config ? "authentication" : "input");
    assert.match(await without({ url: "http://127.0.0.1:1" }), /borgbase:borgUiToken/);
    assert.match(await without({}), /borgbase:borgUiUrl/);
    const plain = new Client({ url: "http://nas.example", login: { source: "given", token: "borgui_1" } }, IMPATIENT);
    assert.match(await failure(plain.read(LIST), "refused"), /not encrypted, so the login/);
  });
});

describe("Errors of Borg UI", () => {
  const SQL = "(sqlite3.IntegrityError) [SQL: INSERT INTO ssh_keys (private_key) VALUES ('gAAAAABl')]";
  const ERRORS: [string, Reply, ErrorKind, RegExp][] = [
    [
      "a key of its translations",
      detail(400, { key: "backend.errors.ssh.keyNameAlreadyExists" }),
      "remote",
      /: key name already exists\.$/,
    ],
    [
      "parameters",
      detail(400, { key: "x.fileNotFound", params: { path: "/k" } }),
      "remote",
      /file not found \(path \/k\)/,
    ],
    ["a text", detail(400, "Job name already exists"), "remote", /: Job name already exists\.$/],
    [
      "a refused value, which stays out",
      detail(422, [
        { type: "int", loc: ["body", "port"], msg: "Input should be a valid integer", input: "what nobody may see" },
      ]),
      "remote",
      /port: Input should be a valid integer\.$/,
    ],
    [
      "a secret in its reason",
      detail(400, `bad: ${ADD.body && "-----BEGIN what nobody may see"}`),
      "remote",
      /bad: \[secret\]/,
    ],
    ["a missing object", detail(404, { key: "backend.errors.ssh.sshKeyNotFound" }), "notFound", /ssh key not found/],
    ["an unknown address", detail(404, "Not Found"), "answer", /Is http/],
    ["a role", detail(403, { key: "backend.errors.ssh.adminAccessRequired" }), "permission", /administrator/],
    [
      "its licence",
      detail(403, {
        key: "backend.errors.plan.featureNotAvailable",
        feature: "multi_repository",
        required: "pro",
        current: "community",
      }),
      "licence",
      /its plan "community" lacks multi repository, which needs "pro"/,
    ],
    [
      "a limit of its licence",
      detail(403, { key: "backend.errors.plan.userLimitReached" }),
      "licence",
      /plan allows no more/,
    ],
    [
      "SQL",
      detail(500, { key: "backend.errors.ssh.failedCreateSshKey", params: { error: SQL } }),
      "remote",
      /\(status 500: failed create ssh key\)\.$/,
    ],
    ["a fault in plain text", { status: 500, body: "Internal Server Error" }, "remote", /\(status 500\)\.$/],
    ["a redirection", { status: 302, body: "" }, "answer", /status 302/],
  ];
  for (const [what, reply, kind, expected] of ERRORS) {
    it(`An answer with ${what} is an error of the kind ${kind}`, () =>
      withServer({ [`POST ${PATH}`]: reply }, async (client, server) => {
        const message = await failure(client.change(ADD), kind);
        assert.match(message, expected);
        assert.match(message, /^Borg UI could not add the SSH key "web": /);
        assert.doesNotMatch(message, /SQL|gAAAA/);
        assert.equal(server.lines.filter((line) => line === `POST ${PATH}`).length, 1);
      }));
  }

  it("borg's own words explain a repository that it could not make", () => {
    const told = {
      key: "backend.errors.repo.failedToInitializeRepository",
      params: { error: "Remote:\nConnection closed." },
    };
    return withServer({ [`POST ${PATH}`]: detail(500, told) }, async (client) => {
      assert.match(await failure(client.change(ADD), "remote"), /failed to initialize repository, Connection closed\)/);
    });
  });
});

describe("Retries of Borg UI", () => {
  it("A read is repeated after a fault, a change is not, and both are after a proxy's", () => {
    const once = (reply: Reply, then: Reply) => {
      let isFirst = true;
      return () => {
        if (!isFirst) return then;
        isFirst = false;
        return reply;
      };
    };
    const broken = { status: 500, body: "" };
    const proxy = { status: 502, body: "<html>" };
    const replies = { [`GET ${PATH}`]: once(broken, EMPTY), [`POST ${PATH}`]: once(proxy, { body: { id: 1 } }) };
    return withServer(replies, async (client) => {
      assert.deepEqual(await client.read(LIST), { ssh_keys: [] });
      assert.deepEqual(await client.change(ADD), { id: 1 });
    });
  });

  it("A create looks its object up after a fault and after a lost answer, and is not sent again while it is there", async () => {
    const faults: ((received: unknown, response: { destroy(): void }) => Reply | undefined)[] = [
      () => ({ status: 500, body: "Internal Server Error" }),
      (_, response) => {
        response.destroy();
        return undefined;
      },
    ];
    for (const fault of faults) {
      await withServer({ [`POST ${PATH}`]: fault }, async (client, server) => {
        assert.deepEqual(await client.create(ADD, async () => ({ id: 7 })), { id: 7 });
        assert.equal(server.lines.filter((line) => line === `POST ${PATH}`).length, 1);
      });
    }
  });

  it("A create whose object is not found after a fault is an error, not a second create", () =>
    withServer({ [`POST ${PATH}`]: { status: 500, body: "" } }, async (client, server) => {
      await failure(
        client.create(ADD, async () => undefined),
        "remote",
      );
      assert.equal(server.lines.filter((line) => line === `POST ${PATH}`).length, 1);
    }));
});
