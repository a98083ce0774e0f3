import assert from "node:assert/strict";
import { DeleteRequest } from "@pulumi/pulumi/proto/provider_pb";
import { captureDeleteUrn } from "../../../provider/hosts/dynamicHostInternals";

describe("captureDeleteUrn", () => {
  const { getId } = DeleteRequest.prototype;
  const urn = "urn:pulumi:dev::shop::borgbase:index:Repo::web::1";
  const request = new DeleteRequest().setId("abcd1234").setUrn(urn);
  /** A provider as the host calls it: `if (provider.delete) await provider.delete(req.getId(), props)`. */
  const found: (string | undefined)[] = [];
  const provider = {
    get delete() {
      const urnOf = captureDeleteUrn();
      return (_id: string) => void found.push(urnOf());
    },
  };
  beforeEach(() => {
    found.length = 0;
  });

  it("The URN comes from the request whose id is read, and the request is restored", () => {
    if (provider.delete) provider.delete(request.getId());
    assert.deepEqual(found, [urn]);
    assert.equal(DeleteRequest.prototype.getId, getId);
  });

  it("The URN is unknown where no request's id is read", async () => {
    if (provider.delete) provider.delete("abcd1234");
    assert.deepEqual(found, [undefined]);
    await null;
    assert.equal(DeleteRequest.prototype.getId, getId);
  });

  it("A provider that is read and not called leaves the requests unchanged", async () => {
    for (let times = 0; times < 3; times++) void provider.delete;
    await null;
    assert.equal(DeleteRequest.prototype.getId, getId);
  });
});
