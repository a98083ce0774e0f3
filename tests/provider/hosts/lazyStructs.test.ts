import assert from "node:assert/strict";
import { DiffRequest } from "@pulumi/pulumi/proto/provider_pb";
import * as jspb from "google-protobuf";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { readStructsLazily } from "../../../provider/hosts/lazyStructs";

const VALUES = {
  text: "Grüße, 世界 🎉\n",
  empty: "",
  whole: 42,
  negative: -0.125,
  large: Number.MAX_SAFE_INTEGER,
  on: true,
  off: false,
  nothing: null,
  nested: { deeper: { list: ["a", 1, null, [true, []], { z: 1, a: 2 }] }, none: {} },
  list: [],
  "": "a name without letters",
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
} satisfies Record<string, JavaScriptValue>;

describe("Structs that are read on first use", () => {
  /** A copy of the class of its own, as the hosts of the other tests have changed the original. */
  class Request extends DiffRequest {
    static reads = 0;
    static override deserializeBinaryFromReader(request: DiffRequest, reader: jspb.BinaryReader): DiffRequest {
      Request.reads++;
      return original(request, reader);
    }
  }
  const original = DiffRequest.deserializeBinaryFromReader;
  readStructsLazily({ Request, NoClass: {}, NoRequest: undefined });

  const bytes = new DiffRequest()
    .setId("abcd1234")
    .setUrn("urn:pulumi:dev::shop::borgbase:index:Repo::web")
    .setOlds(Struct.fromJavaScript(VALUES))
    .setNews(Struct.fromJavaScript({}))
    .setIgnorechangesList(["name", "quota"])
    .serializeBinary();
  const read = (): DiffRequest =>
    Request.deserializeBinaryFromReader(new Request() as DiffRequest, new jspb.BinaryReader(bytes));

  it("Values are those of Google's reading at any depth, with their names sorted", () => {
    const request = read();
    assert.deepEqual(request.getOlds()?.toJavaScript(), VALUES);
    assert.deepEqual(Object.keys(request.getOlds()?.toJavaScript() ?? {}), Object.keys(VALUES).sort());
    assert.deepEqual(request.getNews()?.toJavaScript(), {});
    assert.equal(request.getOldInputs(), undefined);
    assert.equal(request.hasOldInputs(), false);
  });

  it("Other fields are read as ever", () => {
    const request = read();
    assert.equal(request.getId(), "abcd1234");
    assert.deepEqual(request.getIgnorechangesList(), ["name", "quota"]);
  });

  it("Each reading gives new values: a change of one is not in the next", () => {
    const olds = read().getOlds();
    (olds?.toJavaScript() as Record<string, unknown>).text = "changed";
    assert.equal(olds?.toJavaScript().text, VALUES.text);
  });

  it("Every other method of a struct works, and so does the request as a whole", () => {
    const olds = read().getOlds();
    assert.equal(olds?.getFieldsMap().get("whole")?.getNumberValue(), 42);
    olds?.getFieldsMap().del("nested");
    assert.equal("nested" in (olds?.toJavaScript() ?? {}), false);
    assert.deepEqual(DiffRequest.deserializeBinary(read().serializeBinary()).getOlds()?.toJavaScript(), VALUES);
    assert.deepEqual(read().toObject(), original(new DiffRequest(), new jspb.BinaryReader(bytes)).toObject());
  });

  it("A second wrapper, of another copy of the package, changes nothing", () => {
    readStructsLazily({ Request });
    assert.deepEqual(read().getOlds()?.toJavaScript(), VALUES);
  });

  it("A reader of another kind is used as it is", () => {
    const before = Request.reads;
    const other = { nextField: () => false } as unknown as jspb.BinaryReader;
    assert.equal(Request.deserializeBinaryFromReader(new Request() as DiffRequest, other).getId(), "");
    assert.equal(Request.reads, before + 1);
  });
});
