import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { TestBrowser } from "../support/browser";
import { ROOT } from "../support/project";

const SITE = join(ROOT, "docs", ".vitepress", "dist");

const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
};

/** Serves the built site as GitHub Pages does: files, and a folder's index.html. */
function serve(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = join(SITE, normalize(new URL(request.url ?? "/", "http://site").pathname));
    const file = existsSync(path) && statSync(path).isDirectory() ? join(path, "index.html") : path;
    const found = existsSync(file);
    response.writeHead(found ? 200 : 404, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" });
    response.end(found ? readFileSync(file) : undefined);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

describe("Documentation site", function () {
  this.timeout(300_000);
  let server: Server;
  let browser: TestBrowser;
  let address: string;
  before(async () => {
    // Fails with the reason for a dead link.
    execFileSync(process.execPath, [join(ROOT, "scripts", "docs.mjs")], { encoding: "utf8", stdio: "pipe" });
    server = await serve();
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await TestBrowser.start();
  });
  after(async () => {
    await browser?.close();
    server?.close();
    server?.closeAllConnections();
  });

  it("The home page shows what the provider is and leads to the guide, without a request to another machine", async () => {
    const opened = await browser.open(`${address}/`);
    await opened.untilText("Backups as infrastructure code");
    await opened.screenshot("site-home", true);
    await opened.page.locator(".VPHero a ::-p-text(Guide)").click();
    await opened.untilText("Unset arguments");
    assert.deepEqual(opened.errors, []);
    assert.deepEqual(
      opened.requests.filter((url) => !url.startsWith(address)),
      [],
    );
  });

  it("The search finds an argument and opens its page", async () => {
    const opened = await browser.open(`${address}/guide.html`, { dark: true });
    await opened.page.locator("button.DocSearch-Button").click();
    await opened.page.locator("input.search-input").fill("keepOnDelete");
    await opened.page.waitForSelector(".VPLocalSearchBox .result");
    await opened.screenshot("site-search");
    await opened.page.keyboard.press("Enter");
    await opened.page.waitForFunction("!location.pathname.endsWith('/guide.html') || location.hash !== ''");
    assert.match(await opened.text(), /keepOnDelete/);
    assert.deepEqual(opened.errors, []);
  });

  it("A phone shows a page without scrolling sideways, and its menu leads to the reference", async () => {
    const opened = await browser.open(`${address}/machines.html`, { width: 390, height: 844 });
    await opened.screenshot("site-phone");
    const sideways = await opened.page.evaluate(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    assert.equal(sideways, 0);
    await opened.page.locator(".VPLocalNav button.menu").click();
    await opened.page.locator(".VPSidebar a ::-p-text(Repo)").click();
    await opened.untilText("A backup repository at BorgBase.");
    assert.deepEqual(opened.errors, []);
  });

  it("A page links to files of the repository at their host", () => {
    const guide = readFileSync(join(SITE, "guide.html"), "utf8");
    assert.match(guide, /href="https:\/\/github\.com\/[^"]+\/tree\/main\/examples\/yaml"/);
    assert.doesNotMatch(guide, /href="\.\.\/examples/);
  });
});
