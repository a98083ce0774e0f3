import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { generate } from "../../provider/ssh/keys";
import { startAccount } from "../support/account";
import { type OpenPage, type PageOptions, TestBrowser } from "../support/browser";
import { execute, MAIN } from "../support/project";

const HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "</style><b>bold", "\u202eevil"];
const DAY = 86_400_000;

describe("pulumi-borgbase report: the page in a browser", function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), "borgbase-report-page-"));
  const file = join(folder, "report.html");
  let account: Awaited<ReturnType<typeof startAccount>>;
  let browser: TestBrowser;

  before(async () => {
    account = await startAccount();
    browser = await TestBrowser.start();
    const key = await account.console.addKey(HOSTILE[1] ?? "", (await generate({ comment: "" })).publicKey);
    const add = async (name: string, args: string, currentUsage: number, days: number | null) => {
      const id = await account.console.addRepo(`name: ${JSON.stringify(name)}, region: "eu", alertDays: 2, ${args}`);
      const lastModified = days === null ? null : new Date(Date.now() - days * DAY).toISOString();
      account.emulator.control.setContent(id, { currentUsage, lastModified });
    };
    for (const name of HOSTILE) await add(name, `fullAccessKeys: ["${key}"]`, 10, 0.5);
    await add("late", "", 20_000, 9.5);
    await add("full", "quotaEnabled: true, quota: 100000", 99_000, 0.5);
    await add("empty", "", 0, null);
    await add("photos", 'format: "restic"', 500_000, 0.5);
    for (let index = 1; index <= 192; index++) {
      await add(`machine-${index}.example.com`, "quotaEnabled: true, quota: 400000", 500 * index, (index % 18) / 10);
    }
    const args = [MAIN, "report", "--html", file];
    const written = await execute(process.execPath, args, folder, account.env);
    assert.deepEqual([written.code, written.output], [2, ""]);
  });
  after(async () => {
    await browser?.close();
    await account.emulator.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const url = String(pathToFileURL(file));

  /** Opens the page; a dialog is an error of it. */
  async function open(options: PageOptions = {}): Promise<OpenPage> {
    const opened = await browser.open(url, options);
    opened.page.on("dialog", (dialog) => opened.errors.push(dialog.message()));
    await opened.page.reload();
    return opened;
  }
  const value = <T>({ page }: OpenPage, expression: string) => page.evaluate(expression) as Promise<T>;
  const texts = (opened: OpenPage, selector: string) =>
    value<string[]>(
      opened,
      `[...document.querySelectorAll(${JSON.stringify(selector)})].filter((e) => e.offsetParent || e.closest("svg")).map((e) => e.textContent.trim())`,
    );
  const shownRepos = (opened: OpenPage) => texts(opened, "section:has(#r0) tbody th > bdi");

  it("The page shows hostile names as text, runs nothing of them and asks nobody for anything", async () => {
    const opened = await open();
    const shown = await opened.text();
    for (const name of HOSTILE.slice(0, 3)) assert.ok(shown.includes(name), name);
    assert.ok(shown.includes("?evil") && !shown.includes("\u202e"));
    const count = (selector: string) => value<number>(opened, `document.querySelectorAll("${selector}").length`);
    assert.deepEqual([await count("script"), await count("img"), await count("style")], [1, 0, 1]);
    assert.deepEqual([...new Set(opened.requests)], [url]);
    // Whatever got into the page would not run.
    const insert =
      'document.body.append(Object.assign(document.createElement("script"), { text: "window.ran = true" }))';
    await value(opened, insert);
    assert.equal(await value(opened, "window.ran"), undefined);
    assert.equal(opened.errors.filter((line) => /Content Security Policy/.test(line)).length, 1);
    assert.equal(opened.errors.length, 1, opened.errors.join("\n"));
  });

  it("What needs attention stands first and leads to its row; pictures show age, quota and usage", async () => {
    const opened = await open();
    await opened.screenshot("report");
    assert.match(
      await opened.text(),
      /200\s+repositories\s.*Needs attention\s+1\s*Stale.*\n\s*late last change 9\.5 days ago; alert after 2 days\s+1\s*Nearly full.*\n\s*full 99 % of 100 GB in use\s.*Last change\s.*Largest repositories\s.*\nRepositories\n/s,
    );
    await opened.page.locator(".attention ::-p-text(late)").click();
    assert.equal(await value(opened, 'document.querySelector(":target bdi").textContent'), "late");

    const [ages, quotas] = await value<string[][]>(
      opened,
      '[...document.querySelectorAll(".wall")].map((wall) => [...wall.querySelectorAll("title")].map((e) => e.textContent))',
    );
    assert.deepEqual([ages?.length, quotas?.length], [200, 200]);
    assert.match(
      ages?.find((title) => title.startsWith("late:")) ?? "",
      /^late: 9 d ago, \d{4}-\d\d-\d\d \d\d:\d\d UTC$/,
    );
    assert.ok(quotas?.includes("full: 99 GB of 100 GB, 99 %"));
    assert.deepEqual(await texts(opened, ".legend li"), [
      "within a day 115",
      "within 2 days 83",
      "no backup yet 1",
      "stale 1",
      "without a quota 7",
    ]);
    assert.equal((await texts(opened, ".bars li a"))[0], "photos");
    const widths = await value<number[]>(
      opened,
      '["full", "photos"].map((name) => [...document.querySelectorAll(".bars li")].find((e) => e.textContent.startsWith(name)).querySelector("rect:last-of-type").getBoundingClientRect().width)',
    );
    assert.ok(Math.abs((widths[0] ?? 0) / (widths[1] ?? 1) - 0.198) < 0.01, String(widths));
  });

  it("A search finds rows by name, key and finding; a click on a column sorts", async () => {
    const opened = await open();
    assert.equal((await shownRepos(opened)).length, 200);
    await opened.page.type("#search", "MACHINE-19 ");
    assert.deepEqual(await shownRepos(opened), [
      "machine-19.example.com",
      "machine-190.example.com",
      "machine-191.example.com",
      "machine-192.example.com",
    ]);
    assert.equal(await value(opened, 'document.querySelector("#found").value'), "4 of 201");
    await opened.page.locator("#search").fill("nearly full");
    assert.deepEqual(await shownRepos(opened), ["full"]);
    await opened.page.keyboard.press("Escape");
    assert.equal((await shownRepos(opened)).length, 200);

    const inUse = opened.page.locator("thead button ::-p-text(In use)");
    await inUse.click();
    assert.equal((await shownRepos(opened))[0], "empty");
    await inUse.click();
    assert.deepEqual((await shownRepos(opened)).slice(0, 2), ["photos", "full"]);
    assert.deepEqual(opened.errors, []);
  });

  it("The page fits a phone without scrolling sideways, in dark colours too", async () => {
    for (const dark of [false, true]) {
      const opened = await open({ width: 360, height: 740, dark });
      await opened.screenshot(dark ? "report-phone-dark" : "report-phone");
      assert.equal(await value(opened, "document.documentElement.scrollWidth"), 360);
      const [ground, ink] = await value<number[]>(
        opened,
        "Object.values((({ backgroundColor, color }) => [backgroundColor, color])(getComputedStyle(document.body))).map((rgb) => rgb.match(/\\d+/g).reduce((sum, part) => sum + Number(part), 0))",
      );
      assert.equal((ground ?? 0) < (ink ?? 0), dark);
      assert.equal((await shownRepos(opened)).length, 200);
      assert.deepEqual(opened.errors, []);
    }
  });

  it("The page scrolls sideways at no width between phone and desktop", async () => {
    const opened = await open();
    for (const width of [700, 900, 1000, 1100]) {
      await opened.page.setViewport({ width, height: 800 });
      assert.equal(await value(opened, "document.documentElement.scrollWidth"), width);
    }
  });

  it("A print shows every list unfolded, without the search; without scripts nothing is missing", async () => {
    const { page, ...opened } = await open({ width: 800, dark: true });
    await page.emulateMediaType("print");
    const display = (selector: string) =>
      page.evaluate(`getComputedStyle(document.querySelector("${selector}")).display`) as Promise<string>;
    assert.equal(await display(".search"), "none");
    assert.equal(await display("tbody tr"), "table-row");
    assert.equal(await page.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)");
    await page.evaluate(
      "window.folded = []; addEventListener('beforeprint', () => window.folded.push(document.querySelectorAll('details:not([open])').length))",
    );
    await page.pdf();
    assert.deepEqual(await page.evaluate("window.folded"), [0]);
    assert.deepEqual(opened.errors, []);

    await page.emulateMediaType("screen");
    await page.setJavaScriptEnabled(false);
    await page.reload();
    assert.equal(await display(".search"), "none");
    assert.equal(await page.evaluate('document.querySelectorAll("tbody tr").length'), 201);
  });
});
