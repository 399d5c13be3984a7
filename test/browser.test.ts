/** The Swagger UI, in a headless Chromium: a query runs from the page. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type Browser, chromium } from "playwright-core";
import { startServer, type TestServer } from "./fixture/server.js";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);

describe("Swagger UI", { skip: executablePath ? false : "Chromium is not installed" }, () => {
  let server: TestServer;
  let browser: Browser;

  before(async () => {
    server = await startServer();
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });
  after(async () => {
    await browser?.close();
    await server.stop();
  });

  it("runs a query from the page", async () => {
    const page = await browser.newPage({ viewport: { width: 1200, height: 1600 } });
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") faults.push(message.text());
    });
    await page.goto(`${server.url}/docs`);
    const operation = page.locator("#operations-queries-runQuery");
    await operation.locator(".opblock-summary").click();
    const body = operation.locator("textarea.body-param__text");
    await body.fill(JSON.stringify({ sql: "SELECT count(*) AS flights FROM flights" }));
    await operation.locator("button.execute").click();
    const answer = operation.locator(".live-responses-table");
    try {
      await answer.getByText("3000000").first().waitFor({ timeout: 30_000 });
    } finally {
      if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true });
    }
    assert.deepEqual(faults, []);
  });
});
