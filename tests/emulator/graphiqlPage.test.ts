import assert from "node:assert/strict";
import { TestBrowser } from "../support/browser";
import { Subject } from "./support";

describe("Emulator: GraphiQL in a browser", () => {
  let subject: Subject;
  let browser: TestBrowser;
  before(async () => {
    subject = await Subject.start();
    browser = await TestBrowser.start();
  });
  after(async () => {
    await browser?.close();
    await subject?.close();
  });

  it("The page loads without an error and without a request to another machine", async () => {
    const { page, errors, requests } = await browser.open(subject.emulator.endpoint);
    await page.waitForSelector(".graphiql-query-editor");
    assert.deepEqual(errors, []);
    const { origin } = new URL(subject.emulator.endpoint);
    assert.deepEqual(
      requests.filter((url) => new URL(url).origin !== origin),
      [],
    );
  });
});
