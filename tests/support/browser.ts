// A real browser for tests of pages. A file that uses it is named `…Page.test.ts`: the runner then installs the browser.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { ROOT } from "./project";

/** Names of other machines lead nowhere, so that a page passes offline or not at all. */
const OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost";

/** Screenshots stay here, for people to look at. */
const SCREENSHOTS = join(ROOT, ".local", "screenshots");

export interface PageOptions {
  /** Pixels; a small desktop when unset. */
  width?: number;
  height?: number;
  /** Whether the person's system is set to dark colours. */
  dark?: boolean;
}

/** A page that was opened, with what a person would see in the browser's console. */
export class OpenPage {
  /** Errors of the console, exceptions, and requests without a good response. */
  readonly errors: string[] = [];
  /** URLs of all requests, without those that the page itself contains (`data:`, `blob:`). */
  readonly requests: string[] = [];

  constructor(readonly page: Page) {
    page.on("console", (message) => {
      if (message.type() === "error") this.errors.push(message.text());
    });
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url())) this.requests.push(request.url());
    });
    page.on("requestfailed", (request) => this.errors.push(`${request.url()}: ${request.failure()?.errorText}`));
    page.on("response", (response) => {
      if (response.status() >= 400) this.errors.push(`${response.url()}: HTTP ${response.status()}`);
    });
  }

  /** The text that a person sees. */
  text(): Promise<string> {
    return this.page.evaluate("document.body.innerText") as Promise<string>;
  }

  /** Waits until a person sees a text, at most `seconds`. */
  async untilText(wanted: string | RegExp, seconds = 60): Promise<void> {
    const shown = `document.body.innerText.${typeof wanted === "string" ? "includes" : "match"}`;
    const argument = typeof wanted === "string" ? JSON.stringify(wanted) : String(wanted);
    await this.page.waitForFunction(`${shown}(${argument})`, { timeout: seconds * 1000 }).catch(async () => {
      throw new Error(`"${wanted}" did not appear in ${seconds} s on a page with: ${await this.text()}`);
    });
  }

  /** Writes `.local/screenshots/NAME.png` and returns its path. */
  async screenshot(name: string, fullPage = false): Promise<string> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    const path = join(SCREENSHOTS, `${name}.png`);
    await this.page.screenshot({ path: path as `${string}.png`, fullPage });
    return path;
  }
}

/** One browser process. A file of tests starts it once and opens a page per test. */
export class TestBrowser {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<TestBrowser> {
    const { TEST_BROWSER, TEST_BROWSER_PROBLEM } = process.env;
    if (!TEST_BROWSER) throw new Error(TEST_BROWSER_PROBLEM ?? "start the test with `npm test -- FILE`");
    const args = [OFFLINE, "--disable-dev-shm-usage"];
    // Chromium's sandbox refuses root.
    if (process.getuid?.() === 0) args.push("--no-sandbox");
    const browser = await puppeteer.launch({ executablePath: TEST_BROWSER, args, timeout: 120_000 });
    return new TestBrowser(browser);
  }

  /** Opens a URL in a context of its own, without cookies and storage of other pages, and waits until it is loaded. */
  async open(url: string, { width = 1280, height = 800, dark = false }: PageOptions = {}): Promise<OpenPage> {
    const context = await this.#browser.createBrowserContext();
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.setViewport({ width, height });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
    const opened = new OpenPage(page);
    await page.goto(url, { waitUntil: "load", timeout: 120_000 });
    return opened;
  }

  /** Ends the browser and erases its profile. */
  close(): Promise<void> {
    return this.#browser.close();
  }
}
