import assert from "node:assert/strict";
import { type OpenPage, TestBrowser } from "../support/browser";
import { Subject } from "./support";

describe("Emulator: the page in a browser", () => {
  let subject: Subject;
  let browser: TestBrowser;
  before(async () => {
    subject = await Subject.start();
    browser = await TestBrowser.start();
    const key = await subject.addKey("root@web-1");
    await subject.addRepo({ name: "web-1", quota: 5000, quotaEnabled: true, appendOnlyKeys: [key] });
    const id = await subject.addRepo({ name: "db-1", fullAccessKeys: [key] });
    subject.control.setContent(id, { currentUsage: 1234.5, lastModified: "2026-11-20T03:00:00+00:00" });
  });
  after(async () => {
    await browser?.close();
    await subject?.close();
  });

  const open = async (settings = {}) => {
    const opened = await browser.open(subject.emulator.endpoint, { width: 1400, ...settings });
    await opened.page.waitForSelector(".token-choice select");
    return opened;
  };
  const choose = ({ page }: OpenPage, token: string) => page.select(".token-choice select", token);
  const run = ({ page }: OpenPage) => page.locator("button.graphiql-execute-button").click();
  /** Waits for a text of the answer, whose lines outside the view are not drawn. */
  const untilAnswer = async ({ page }: OpenPage, text: string) => {
    const answer = 'document.querySelector(".result-window .CodeMirror")?.CodeMirror.getValue() ?? ""';
    await page.waitForFunction(`(${answer}).includes(${JSON.stringify(text)})`).catch(async () => {
      assert.fail(`no ${text} in ${await page.evaluate(answer)}`);
    });
    return JSON.parse(String(await page.evaluate(answer)));
  };

  it("A click shows the repositories with usage and keys, without an error or a request to another machine", async () => {
    const opened = await open();
    await run(opened);
    const { data } = await untilAnswer(opened, "db-1");
    assert.deepEqual(
      data.repoList.map(({ name, currentUsage, appendOnlyKeyList, fullAccessKeyList }: Record<string, unknown>) => [
        name,
        currentUsage,
        appendOnlyKeyList,
        fullAccessKeyList,
      ]),
      [
        ["web-1", 0, [{ name: "root@web-1" }], []],
        ["db-1", 1234.5, [], [{ name: "root@web-1" }]],
      ],
    );
    await opened.screenshot("emulator");
    const { origin } = new URL(subject.emulator.endpoint);
    assert.deepEqual([opened.errors, opened.requests.filter((url) => new URL(url).origin !== origin)], [[], []]);
  });

  it("A Read Only token adds nothing and shows the refusal of the API; a Full Access token adds", async () => {
    const opened = await open({ dark: true });
    await opened.page.locator("button ::-p-text(AddRepository)").click();
    await choose(opened, subject.token("readOnly"));
    await run(opened);
    const refused = await untilAnswer(opened, "errors");
    assert.match(refused.errors[0].message, /permission/);
    await opened.screenshot("emulator-refused");
    assert.equal((await subject.ask("{ repoList { id } }")).data.repoList.length, 2);

    await choose(opened, subject.token("fullAccess"));
    await run(opened);
    const { data } = await untilAnswer(opened, "repoAdded");
    assert.equal(data.repoAdd.repoAdded.name, "web-2");
  });

  it("The choice names each account and what its tokens may do", async () => {
    const { page } = await open();
    const options = (await page.evaluate(
      'Array.from(document.querySelectorAll(".token-choice optgroup"), (group) => [group.label, ...Array.from(group.children, ({ text }) => text)])',
    )) as string[][];
    for (const [index, { email }] of subject.emulator.accounts.entries()) {
      assert.equal(options[index]?.[0], email);
      assert.deepEqual(
        options[index]?.slice(1).map((label) => label.split(":")[0]),
        ["Full Access", "Create Only", "Read Only"],
      );
    }
  });
});
