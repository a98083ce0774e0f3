import assert from "node:assert/strict";
import { parseRetryAfter } from "../../../provider/remote/retry";
import { clientOf, failure, PATIENT, type Reply, withEmulator, withServer } from "./support";

const LISTED: Reply = { body: { data: { sshList: [] } } };
const busy = (retryAfter?: string): Reply => ({
  status: 429,
  body: "slow down",
  headers: retryAfter === undefined ? {} : { "retry-after": retryAfter },
});

describe("Retry-After", () => {
  const now = Date.parse("2026-11-21T10:00:00Z");
  const FORMS: [header: string | null, milliseconds: number | undefined][] = [
    ["3", 3_000],
    ["0", 0],
    ["Sat, 21 Nov 2026 10:00:05 GMT", 5_000],
    ["Sat, 21 Nov 2026 09:00:00 GMT", 0],
    ["soon", undefined],
    ["", undefined],
    [null, undefined],
  ];
  for (const [header, milliseconds] of FORMS) {
    it(`Retry-After ${JSON.stringify(header)} means ${milliseconds === undefined ? "no waiting time" : `${milliseconds} ms`}`, () => {
      assert.equal(parseRetryAfter(header, now), milliseconds);
    });
  }

  const inTwoSeconds = () => new Date(Date.now() + 2_000).toUTCString();
  const WAITS: [what: string, header: () => string | undefined, atLeast: number][] = [
    ["seconds", () => "1", 1_000],
    // HTTP dates have whole seconds: a date two seconds ahead leaves at least one.
    ["a date", inTwoSeconds, 950],
    ["no value", () => undefined, 0],
  ];
  for (const [what, header, atLeast] of WAITS) {
    it(`Retry-After is honoured when it holds ${what}`, async () => {
      const started = Date.now();
      const { asked } = await withServer([busy(header()), LISTED], (api) => api.keys.all(), PATIENT);
      const waited = Date.now() - started;
      assert.equal(asked, 2);
      assert.ok(waited >= atLeast, `waited ${waited} ms`);
      if (atLeast === 0) assert.ok(waited < 20_000, `waited ${waited} ms`);
    });
  }

  it("Retry-After beyond maxElapsed ends the retries at once, and the error contains it", async () => {
    const started = Date.now();
    const { result, asked } = await withServer(
      [busy("3600")],
      (api) => failure(api.keys.all(), "unavailable"),
      PATIENT,
    );
    assert.match(result, /Tried 1 time\. It asks to wait 3600 s: run again then\./);
    assert.equal(asked, 1);
    assert.ok(Date.now() - started < 30_000);
  });
});

describe("Retry", () => {
  it("Retries end when maxElapsed has passed", async () => {
    const retry = { baseDelay: 20, maxDelay: 40, maxElapsed: 2_000 };
    const started = Date.now();
    const { result, asked } = await withServer([busy()], (api) => failure(api.keys.all(), "unavailable"), { retry });
    assert.match(result, new RegExp(`Tried ${asked} times\\.$`));
    assert.ok(asked >= 3, `asked ${asked} times`);
    assert.ok(Date.now() - started < 30_000);
  });

  it("A refused token is sent once for all requests at the same time", async () => {
    const refused = { status: 401, body: { detail: "Invalid token" } };
    const { asked } = await withServer([refused], (api) =>
      Promise.all(Array.from({ length: 20 }, () => failure(api.account.owner(), "authentication"))),
    );
    assert.equal(asked, 1);
  });

  it(
    "Retries stop when the token expires",
    withEmulator(async (emulator) => {
      const api = clientOf(emulator);
      await api.keys.all();
      emulator.control.addFault({ kind: "expire", operation: "repoList" });
      emulator.control.resetCounters();
      await failure(api.repos.all(), "authentication");
      assert.equal(emulator.control.counters().requests, 1);
    }),
  );
});

describe("Concurrency of requests", () => {
  it(
    "At most 16 requests are in flight, and all get their answer",
    withEmulator(async (emulator) => {
      emulator.control.setLatency(10);
      const api = clientOf(emulator);
      await Promise.all(Array.from({ length: 60 }, (_, index) => api.repos.getUncached(`gone${index}`)));
      const { requests, maxConcurrent } = emulator.control.counters();
      assert.equal(requests, 60);
      assert.ok(maxConcurrent <= 16 && maxConcurrent > 8, `${maxConcurrent} at once`);
    }),
  );

  it(
    "A failed request frees its slot",
    withEmulator(async (emulator) => {
      const api = clientOf(emulator);
      for (let index = 0; index < 40; index++) emulator.control.addFault({ kind: "reset" });
      await Promise.all(Array.from({ length: 40 }, (_, index) => api.repos.getUncached(`gone${index}`)));
      assert.equal(emulator.control.faults().length, 0);
    }),
  );
});
