import assert from "node:assert/strict";
import { DeleteRequest } from "@pulumi/pulumi/proto/provider_pb";
import { captureDeleteUrn } from "../../../provider/hosts/dynamicHostInternals";

describe("The URN of a deletion", () => {
  const { getId } = DeleteRequest.prototype;
  const urn = "urn:pulumi:dev::shop::borgbase:index:Repo::web::1";
  const request = new DeleteRequest().setId("abcd1234").setUrn(urn);
  /** A provider as the host calls it: `if (provider.delete) await provider.delete(req.getId(), props)`. */
  const found: (string | undefined)[] = [];
  const provider = {
    get delete() {
      const asked = captureDeleteUrn();
      return (_id: string) => void found.push(asked());
    },
  };
  beforeEach(() => {
    found.length = 0;
  });

  it("is the one of the request that is asked for its id, and the request is the same as before", () => {
    if (provider.delete) provider.delete(request.getId());
    assert.deepEqual(found, [urn]);
    assert.equal(DeleteRequest.prototype.getId, getId);
  });

  it("is unknown where no request is asked for its id", async () => {
    if (provider.delete) provider.delete("abcd1234");
    assert.deepEqual(found, [undefined]);
    await null;
    assert.equal(DeleteRequest.prototype.getId, getId);
  });

  it("leaves requests as they are where the provider is looked at and not called", async () => {
    for (let times = 0; times < 3; times++) void provider.delete;
    await null;
    assert.equal(DeleteRequest.prototype.getId, getId);
  });
});
