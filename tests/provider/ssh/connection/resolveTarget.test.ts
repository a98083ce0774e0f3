import assert from "node:assert/strict";
import { resolveTarget } from "../../../../provider/ssh/connection/resolveTarget";
import type { Hop, Target } from "../../../../provider/ssh/connection/target";
import { SshError } from "../../../../provider/ssh/error";
import { generate, type KeyMaterial } from "../../../../provider/ssh/keys";

describe("resolveTarget", () => {
  let key: KeyMaterial;
  before(async () => {
    key = await generate();
  });

  const target = (more: Partial<Target> = {}): Target => ({
    host: "box.example.com",
    username: "me",
    hostKey: key.fingerprintSha256,
    credentials: [{ password: "secret" }],
    ...more,
  });
  const refusal = (more: Partial<Target>): [string | undefined, string] => {
    try {
      resolveTarget(target(more));
    } catch (error) {
      assert.ok(error instanceof SshError && error.kind === "input", String(error));
      return [error.property, error.message];
    }
    return assert.fail("it was accepted");
  };

  it("A target without port and timeout gets the defaults, and its jump hosts too", () => {
    const hop = { host: "jump.example.com", username: "me", hostKey: key.publicKey, password: "p" };
    const { port, timeout, address, hops } = resolveTarget(target({ proxyJump: [hop, { ...hop, port: 2222 }] }));
    assert.deepEqual([port, timeout, address], [22, 30, "box.example.com"]);
    assert.deepEqual(
      hops.map((each) => [each.port, each.name]),
      [
        [22, "proxyJump[0] jump.example.com"],
        [2222, "proxyJump[1] jump.example.com:2222"],
      ],
    );
  });

  it("A target has its pins parsed and its private keys opened", () => {
    const { hostKeys, credentials } = resolveTarget(target({ credentials: [{ privateKey: key.privateKey }] }));
    assert.deepEqual(hostKeys.pins, [{ revoked: false, fingerprint: key.fingerprintSha256 }]);
    assert.deepEqual(credentials[0]?.key, key);
    assert.equal(resolveTarget({ ...target(), hostKey: undefined } as unknown as Target).hostKeys.pins, undefined);
  });

  it("A target that cannot be used is refused with the argument's name", () => {
    assert.deepEqual(refusal({ port: 0 }), ["port", "port: must be a whole number from 1 to 65535, not 0"]);
    const [property, message] = refusal({ credentials: [{ privateKey: "nonsense" }] });
    assert.equal(property, "privateKey");
    assert.match(message, /^privateKey: not a usable private key: /);
    assert.deepEqual(refusal({ hostKey: "" }), [
      "hostKey",
      "hostKey: it is empty; give a SHA256: fingerprint or a known_hosts line",
    ]);
  });

  it("A jump host that cannot be used is refused with its place in the program", () => {
    const hop: Hop = { host: "jump.example.com", username: "me", hostKey: key.publicKey, password: "p" };
    const cases: [Hop, string][] = [
      [{ ...hop, port: 0 }, "proxyJump[1].port must be a whole number from 1 to 65535, not 0"],
      [{ ...hop, hostKey: "" }, "proxyJump[1].hostKey it is empty; give a SHA256: fingerprint or a known_hosts line"],
      [{ ...hop, password: undefined }, "proxyJump[1] has no way in: give privateKey, password or agent"],
    ];
    for (const [bad, message] of cases) assert.deepEqual(refusal({ proxyJump: [hop, bad] }), ["proxyJump", message]);
    assert.match(refusal({ proxyJump: { ...hop, privateKey: "nonsense" } })[1], /^proxyJump\.privateKey not a usable/);
  });
});
