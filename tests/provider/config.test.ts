import assert from "node:assert/strict";
import {
  type Config,
  checkEndpoint,
  DEFAULT_ENDPOINT,
  describeToken,
  requireToken,
  resolveConfig,
} from "../../provider/config";
import { type ErrorKind, ProviderError } from "../../provider/errors";
import type { ProviderSettings } from "../../provider/settings";

describe("Configuration of token and endpoint", () => {
  const endpoint = DEFAULT_ENDPOINT;
  const CASES: [what: string, given: ProviderSettings, environment: NodeJS.ProcessEnv, config: Config][] = [
    ["the default endpoint and no token when nothing is set", {}, {}, { endpoint }],
    [
      "the given token before BORGBASE_TOKEN",
      { token: "a" },
      { BORGBASE_TOKEN: "b" },
      { endpoint, token: "a", tokenSource: "given" },
    ],
    [
      "BORGBASE_TOKEN before BORGBASE_API_TOKEN",
      {},
      { BORGBASE_API_TOKEN: "c", BORGBASE_TOKEN: "b" },
      { endpoint, token: "b", tokenSource: "BORGBASE_TOKEN" },
    ],
    [
      "BORGBASE_API_TOKEN when no other token is set",
      {},
      { BORGBASE_API_TOKEN: "c" },
      { endpoint, token: "c", tokenSource: "BORGBASE_API_TOKEN" },
    ],
    [
      "BORGBASE_TOKEN when the given token is empty",
      { token: "" },
      { BORGBASE_TOKEN: "b" },
      { endpoint, token: "b", tokenSource: "BORGBASE_TOKEN" },
    ],
    [
      "BORGBASE_TOKEN without blanks when the given token is blank",
      { token: " \n" },
      { BORGBASE_TOKEN: " b\n" },
      { endpoint, token: "b", tokenSource: "BORGBASE_TOKEN" },
    ],
    [
      "the given endpoint before BORGBASE_ENDPOINT",
      { endpoint: "https://a/" },
      { BORGBASE_ENDPOINT: "https://b/" },
      { endpoint: "https://a/" },
    ],
    [
      "BORGBASE_ENDPOINT when no endpoint is given",
      {},
      { BORGBASE_ENDPOINT: "https://b/" },
      { endpoint: "https://b/" },
    ],
    ["the default endpoint when both endpoints are empty", { endpoint: "" }, { BORGBASE_ENDPOINT: "" }, { endpoint }],
  ];
  for (const [what, given, environment, config] of CASES) {
    it(`The configuration uses ${what}`, () => {
      assert.deepEqual(resolveConfig(given, environment), config);
    });
  }

  it("A missing token fails only an operation that needs a token, and the error explains how to set one", () => {
    const config = resolveConfig({}, {});
    refused(() => requireToken(config), "authentication", /pulumi config set --secret borgbase:token.*BORGBASE_TOKEN/);
  });

  it("The description of a token names its source", () => {
    assert.match(describeToken("given"), /borgbase:token/);
    assert.match(describeToken("BORGBASE_API_TOKEN"), /environment variable BORGBASE_API_TOKEN/);
  });
});

describe("Configuration of the endpoint address", () => {
  const TAKEN = [
    "https://api.borgbase.com/graphql",
    "https://127.evil.example/graphql",
    "http://localhost:8080/graphql",
    "http://borgbase.localhost/graphql",
    "http://127.0.0.1:1/graphql",
    "http://127.9.9.9/graphql",
    "http://[::1]:1/graphql",
  ];
  for (const address of TAKEN) {
    it(`The endpoint may be ${address}`, () => {
      assert.equal(checkEndpoint(address), address);
    });
  }

  const REFUSED: [address: string, kind: ErrorKind, reason: RegExp][] = [
    ["http://api.borgbase.com/graphql", "refused", /http:\/\/api\.borgbase\.com is not encrypted.*use https/],
    ["http://127.evil.example/graphql", "refused", /not encrypted/],
    ["http://localhost.evil.example/", "refused", /not encrypted/],
    ["http://0.0.0.0/graphql", "refused", /not encrypted/],
    ["http://[::2]/", "refused", /not encrypted/],
    ["https://me:hush-hush@api.borgbase.com/", "input", /without a user or password/],
    ["https://me@api.borgbase.com/", "input", /without a user or password/],
    ["ftp://api.borgbase.com/", "input", /must be an http\(s\) address/],
    ["api.borgbase.com", "input", /BORGBASE_ENDPOINT/],
  ];
  for (const [address, kind, reason] of REFUSED) {
    it(`The endpoint ${address} is refused`, () => {
      const message = refused(() => checkEndpoint(address), kind, reason);
      assert.ok(!message.includes("hush-hush"));
    });
  }
});

function refused(action: () => unknown, kind: ErrorKind, reason: RegExp): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ProviderError);
    assert.equal(error.kind, kind);
    assert.match(error.message, reason);
    return error.message;
  }
  return assert.fail("it was taken");
}
