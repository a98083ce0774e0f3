import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import type { ErrorKind } from "../../../provider/errors";
import { failure, PATIENT, type Reply, TOKEN, withServer } from "./support";

const KEY = {
  id: "7",
  name: "web",
  keyData: "ssh-ed25519 AAAA",
  keyType: "ssh-ed25519",
  bits: 256,
  comment: "",
  hashMd5: "aa:bb",
  hashSha256: "abc",
  addedAt: "2026-01-01T00:00:00+00:00",
  lastUsedAt: "",
};
const LISTED: Reply = { body: { data: { sshList: [KEY] } } };
const HTML = "<html>\n<h1>Bad Gateway</h1>\n</html>";
const html = (status: number): Reply => ({ status, body: HTML, headers: { "content-type": "text/html" } });
const says = (message: string, status = 200): Reply => ({
  status,
  body: { errors: [{ message }], data: { sshList: null } },
});
const holding = (change: object): Reply => ({ body: { data: { sshList: [KEY, { ...KEY, id: "8", ...change }] } } });

/** Answers to one request with the kind of error they cause; `again`: whether the client tries again. */
const ANSWERS: [what: string, reply: Reply, kind: ErrorKind, again: boolean, ...says: RegExp[]][] = [
  ["a bad token (HTTP 401)", says("Invalid token", 401), "authentication", false, /Invalid token/, /pulumi config set/],
  [
    "a bad token (HTTP 403)",
    says("Invalid or expired token", 403),
    "authentication",
    false,
    /Invalid or expired token/,
  ],
  ["a bad token (HTTP 200)", says("Signature has expired"), "authentication", false, /Signature has expired/],
  ["a bad token (HTML page)", html(401), "authentication", false, /the stack's token .*: status 401, "Bad Gateway"/],
  [
    "a bad token (detail)",
    { status: 401, body: { detail: "Token revoked" } },
    "authentication",
    false,
    /Token revoked/,
  ],
  [
    "a token level too low (HTTP 200)",
    says("You do not have permission to perform this action"),
    "permission",
    false,
    /list the SSH keys/,
    /You do not have permission/,
    /level Read Only, Create Only or Full Access/,
  ],
  [
    "a page with status 403, as of a proxy, without calling the token's level the reason",
    {
      status: 403,
      body: `<html><head><title>x</title></head><style>p {}</style><p>Blocked by\n policy 7, token ${TOKEN}</p></html>`,
    },
    "permission",
    false,
    /^Could not list the SSH keys: \S+ answered status 403, "Blocked by policy 7, token \[token\]", and gave no reason/,
    /Check whether a proxy or firewall refuses .*level Read Only, Create Only or Full Access/,
  ],
  [
    "foreign JSON with status 403",
    { status: 403, body: { message: "Denied" } },
    "permission",
    false,
    /"\{"message":"Denied"\}"/,
  ],
  [
    "an empty answer with status 403",
    { status: 403, body: "" },
    "permission",
    false,
    /answered status 403, and gave no/,
  ],
  ["a page with status 407", html(407), "answer", false, /status 407, "Bad Gateway", an answer that is no GraphQL/],
  ["too many requests", html(429), "unavailable", true, /slow down \(status 429\)/, /Tried \d+ times/],
  ...[500, 502, 503, 504].map((status): (typeof ANSWERS)[0] => [
    `a server error ${status}`,
    html(status),
    "unavailable",
    true,
    new RegExp(`fault of its own \\(status ${status}\\)`),
    /Tried \d+ times/,
  ]),
  ["truncated JSON", { body: '{"data": {"sshList": [{"id"' }, "unavailable", true, /no complete JSON/],
  ["foreign JSON", { body: { status: "ok" } }, "unavailable", true, /no complete JSON/],
  ["a page instead of JSON", { body: HTML }, "unavailable", true, /no complete JSON/],
  ["an empty answer", { body: "" }, "unavailable", true, /no complete JSON/],
  [
    "errors beside data",
    { body: { data: { sshList: [KEY] }, errors: [{ message: "half of it" }] } },
    "unavailable",
    true,
    /half of it/,
  ],
  ["a refusal", says("Over quota or too many repos."), "remote", false, /list the SSH keys: Over quota/],
  ["a refused query", says('Cannot query field "hashMd5"', 400), "remote", false, /Cannot query field/],
  ["an error of several lines", says("one\r\n  two\nthree"), "remote", false, /one two three/],
  ["several errors", { body: { errors: [{ message: "one" }, { message: "two" }] } }, "remote", false, /one; two/],
  ["an echo of the token", says(`no such thing: Bearer ${TOKEN}`), "remote", false, /no such thing/],
  ["an answer of another site", html(404), "answer", false, /status 404/, /Is http.* the API's address/],
  ["null data", { body: { data: null } }, "answer", false, /unusable field sshList/],
  ["a null list", { body: { data: { sshList: null } } }, "answer", false, /unusable field sshList/],
  ["data with another field", { body: { data: { keys: [] } } }, "answer", false, /unusable field sshList/],
  ["a missing field", holding({ hashMd5: undefined }), "answer", false, /unusable field sshList\.1\.hashMd5/],
  ["a field of another type", holding({ bits: "256" }), "answer", false, /unusable field sshList\.1\.bits: .*number/],
];

describe("Client: answers", () => {
  for (const [what, reply, kind, again, ...patterns] of ANSWERS) {
    it(`The client reports ${what} as "${kind}" ${again ? "after several tries" : "at once"}`, async () => {
      const { result, asked } = await withServer([reply], (api) => failure(api.keys.all(), kind));
      for (const pattern of patterns) assert.match(result, pattern);
      assert.ok(again ? asked > 1 : asked === 1, `asked ${asked} times`);
    });
  }

  it("The client accepts unknown fields and every form of an unset field", async () => {
    const { result } = await withServer(
      [holding({ comment: null, lastUsedAt: null, addedAt: undefined, addedLater: { new: true } })],
      (api) => api.keys.all(),
    );
    const { addedAt: _, lastUsedAt: __, ...set } = KEY;
    assert.deepEqual(result[1], { ...set, id: "8", lastUsedAt: undefined });
  });

  it("The client accepts key ids as numbers", async () => {
    const { result } = await withServer([holding({ id: 8 })], (api) => api.keys.get("8"));
    assert.equal(result?.id, "8");
  });

  it("The client sends the token in its header and nowhere else", async () => {
    await withServer([LISTED], async (api, { requests }) => {
      await api.keys.all();
      assert.equal(requests[0]?.authorization, `Bearer ${TOKEN}`);
      assert.ok(!requests[0]?.body.includes(TOKEN));
    });
  });

  for (const token of ["two\nlines", "ab xyzzy", "snow☃man"]) {
    it(`The client refuses the invalid token ${JSON.stringify(token)} without showing it`, async () => {
      const ask = () => withServer([LISTED], (api) => failure(api.keys.all(), "authentication"), PATIENT, token);
      const { result, asked } = await ask();
      assert.match(result, /token .*characters/);
      assert.ok(!result.includes(token.slice(-4)), result);
      assert.equal(asked, 0);
    });
  }
});

describe("Client: deletions", () => {
  const REPO = { id: "abc", name: "web", region: "eu", format: "borg1", repoPath: "ssh://host/./repo" };
  const DELETIONS: [what: string, answer: unknown, kind: ErrorKind, says: RegExp][] = [
    ["ok: false", { repoDelete: { ok: false } }, "answer", /delete the repository abc.*repoDelete\.ok.*ok: false/],
    ["null without an error", { repoDelete: null }, "answer", /unusable field repoDelete/],
  ];
  for (const [what, data, kind, pattern] of DELETIONS) {
    it(`The client treats ${what} as a failed deletion while the repository exists`, async () => {
      const still: Reply = { body: { data: { repo: REPO } } };
      const { result } = await withServer([{ body: { data } }, still], (api) => failure(api.repos.delete("abc"), kind));
      assert.match(result, pattern);
    });
  }

  it("The client returns false for the deletion of a missing repository", async () => {
    const reply = { body: { data: { repoDelete: null }, errors: [{ message: "Repository not found" }] } };
    const { result, asked } = await withServer([reply], (api) => api.repos.delete("abc"));
    assert.deepEqual([result, asked], [false, 1]);
  });
});

describe("Client: repository by id", () => {
  const ABSENT: [what: string, body: object][] = [
    ["a null repository", { data: { repo: null } }],
    ["a 'not found' error", { data: { repo: null }, errors: [{ message: "Repository not found" }] }],
  ];
  for (const [what, body] of ABSENT) {
    it(`The client reads ${what} as a missing repository`, async () => {
      const { result } = await withServer([{ body }], (api) => api.repos.getUncached("abc"));
      assert.equal(result, undefined);
    });
  }

  for (const [what, data] of [
    ["null data", null],
    ["data without fields", {}],
    ["data with another field", { other: 1 }],
  ] as const) {
    it(`The client does not read ${what} as a missing repository`, async () => {
      const { result } = await withServer([{ body: { data } }], (api) =>
        failure(api.repos.getUncached("abc"), "answer"),
      );
      assert.match(result, /unusable field repo/);
    });
  }
});

describe("Client: network", () => {
  it("The client names the address that refuses the connection after several tries", async () => {
    const { result: said } = await withServer([LISTED], async (api, { close }) => {
      await close();
      return failure(api.keys.all(), "unavailable");
    });
    assert.match(said, /list the SSH keys: no answer from 127\.0\.0\.1:\d+ \(ECONNREFUSED\)\. Tried \d+ times/);
  });

  it("The client gives up on a silent server after its timeout", async () => {
    const started = Date.now();
    const { result } = await withServer([() => {}], (api) => failure(api.keys.all(), "unavailable"), {
      timeout: 50,
      retry: { baseDelay: 1, maxDelay: 1, maxElapsed: 0 },
    });
    assert.match(result, /did not answer in time/);
    assert.ok(Date.now() - started < 20_000);
  });

  it("The client applies its timeout to the whole answer when it arrives byte by byte", async () => {
    const drip = (response: ServerResponse) => {
      response.writeHead(200, { "content-type": "application/json" });
      const timer = setInterval(() => response.write(" "), 10);
      response.on("close", () => clearInterval(timer));
    };
    const { result } = await withServer([drip], (api) => failure(api.keys.all(), "unavailable"), {
      timeout: 80,
      retry: { baseDelay: 1, maxDelay: 1, maxElapsed: 0 },
    });
    assert.match(result, /did not answer in time/);
  });

  it("The client retries after a reset, a truncated answer and a server error", async () => {
    const reset = (response: ServerResponse) => void response.socket?.resetAndDestroy();
    const { result, asked } = await withServer(
      [reset, { body: '{"da' }, html(502), LISTED],
      (api) => api.keys.all(),
      PATIENT,
    );
    assert.deepEqual([result.length, asked], [1, 4]);
  });

  it("The client reads a compressed answer and treats a partial answer as lost", async () => {
    const zipped = gzipSync(JSON.stringify(LISTED.body));
    const send = (body: Buffer) => (response: ServerResponse) => {
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(body);
    };
    const { result, asked } = await withServer(
      [send(zipped.subarray(0, 20)), send(zipped)],
      (api) => api.keys.all(),
      PATIENT,
    );
    assert.deepEqual([result.length, asked], [1, 2]);
  });

  it("The client follows no redirect, because the token belongs to one address", async () => {
    const { asked } = await withServer([LISTED], async (_, elsewhere) => {
      const redirect = (response: ServerResponse) =>
        void response.writeHead(307, { location: elsewhere.endpoint }).end();
      const { result } = await withServer([redirect], (api) => failure(api.keys.all(), "answer"));
      assert.match(result, /status 307.*Is http.* the API's address/);
    });
    assert.equal(asked, 0);
  });

  it("The client reuses its connection", async () => {
    const ports = new Set<number | undefined>();
    const answer = (response: ServerResponse) => {
      ports.add(response.socket?.remotePort);
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(LISTED.body));
    };
    await withServer([answer], async (api) => {
      for (let each = 0; each < 3; each++) await api.keys.refetchCoalesced();
    });
    assert.equal(ports.size, 1);
  });
});
