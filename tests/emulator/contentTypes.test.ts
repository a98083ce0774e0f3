import assert from "node:assert/strict";
import { request } from "node:http";
import { Subject } from "./support";

/** Body parsing follows graphql-python/graphene-django: views.py, parse_body and get_graphql_params. */
describe("Emulator: content types", () => {
  let subject: Subject;
  before(async () => {
    subject = await Subject.start();
  });
  after(() => subject.close());

  const QUERY = "query named($name: String) { repoList(name: $name) { id } sshList { id } }";
  const VARIABLES = '{"name":"web"}';

  /** A request with exactly these headers, because fetch would add a Content-Type. */
  function send(method: string, path: string, type: string | undefined, body = "") {
    const headers = { Authorization: `Bearer ${subject.token("fullAccess")}`, ...(type && { "Content-Type": type }) };
    return new Promise<{ status?: number; allow?: string; text: string }>((resolve, reject) => {
      const sent = request({ port: subject.emulator.port, method, path, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part) => {
          text += part;
        });
        response.on("end", () => resolve({ status: response.statusCode, allow: response.headers.allow, text }));
      });
      sent.on("error", reject).end(body);
    });
  }

  const boundary = "x-y-z";
  const multipart = (fields: Record<string, string>) =>
    `${Object.entries(fields)
      .map(([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
      .join("")}--${boundary}--\r\n`;

  for (const [what, type, body] of [
    ["JSON", "application/json", JSON.stringify({ query: QUERY, variables: { name: "web" } })],
    ["JSON with a charset", "Application/JSON; charset=utf-8", JSON.stringify({ query: QUERY, variables: VARIABLES })],
    ["the query alone", "application/graphql", QUERY],
    ["a form", "application/x-www-form-urlencoded", `${new URLSearchParams({ query: QUERY, variables: VARIABLES })}`],
    [
      "a multipart form",
      `multipart/form-data; boundary=${boundary}`,
      multipart({ query: QUERY, variables: VARIABLES, operationName: "null" }),
    ],
  ] as const) {
    it(`The emulator accepts a request as ${what}`, async () => {
      const { status, text } = await send("POST", "/graphql", type, body);
      assert.deepEqual([status, JSON.parse(text)], [200, { data: { repoList: [], sshList: [] } }]);
    });
  }

  for (const [what, type, body, message] of [
    ["JSON without a type", undefined, '{"query":"{ isAuthenticated }"}', "Must provide query string."],
    ["JSON as plain text", "text/plain", '{"query":"{ isAuthenticated }"}', "Must provide query string."],
    [
      "JSON under an unknown type",
      "application/graphql+json",
      '{"query":"{ me { id } }"}',
      "Must provide query string.",
    ],
    ["a batch", "application/json", '[{"query":"{ me { id } }"}]', "The received data is not a valid JSON query."],
    ["a JSON text", "application/json", '"{ me { id } }"', "The received data is not a valid JSON query."],
    ["a form declared as JSON", "application/json", "query=%7Bme%7Bid%7D%7D", "POST body sent invalid JSON."],
    ["a multipart form without its boundary", "multipart/form-data", "x", "The multipart form is malformed."],
    [
      "bytes that are not text",
      "application/json",
      "\udcff".replace("\udcff", "\u0000"),
      "POST body sent invalid JSON.",
    ],
    [
      "a form with broken variables",
      "application/x-www-form-urlencoded",
      "query=x&variables=%7B",
      "Variables are invalid JSON.",
    ],
  ] as const) {
    it(`The emulator refuses a request as ${what} with HTTP 400`, async () => {
      const { status, text } = await send("POST", "/graphql", type, body);
      assert.deepEqual([status, JSON.parse(text).errors[0].message], [400, message]);
    });
  }

  it("The query, variables and operationName of a URL take precedence over those of the body", async () => {
    const parameters = new URLSearchParams({
      query: "query a { isAuthenticated } query b { me { username } }",
      operationName: "b",
    });
    const { text } = await send("POST", `/graphql?${parameters}`, "application/json", '{"query":"{ sshList { id } }"}');
    assert.deepEqual(JSON.parse(text), { data: { me: { username: "demo@example.com" } } });
  });

  it("The emulator refuses an HTTP method outside GraphQL and names the allowed methods", async () => {
    const { status, allow } = await send("PUT", "/graphql", "application/json", "{}");
    assert.deepEqual([status, allow], [405, "GET, POST"]);
    const query = encodeURIComponent('mutation { repoDelete(id: "x") { ok } }');
    const mutation = await send("GET", `/graphql?query=${query}`, undefined);
    assert.deepEqual([mutation.status, mutation.allow], [405, "POST"]);
  });

  for (const target of ["//", "//graphql", "/%", "/?query=%ff", "/\\", "///etc/passwd", "http://[", "/abcd1234//"]) {
    it(`The emulator answers the request target ${target} without a server error`, async () => {
      const { status } = await send("GET", target, undefined);
      assert.ok(status && status >= 300 && status < 500, String(status));
      assert.equal((await subject.ask("{ isAuthenticated }")).status, 200);
    });
  }
});
