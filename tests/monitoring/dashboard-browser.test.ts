import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { MCPClient } from "@backplane/client";
import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBrowser } from "./harness/browser.ts";
import { type DashboardRig, dashboardRig } from "./harness/dashboard-rig.ts";
import { KEYS } from "./harness/observed-server.ts";

const MAX_PAGE_BYTES = 60_000;
const WAIT = { timeout: 10_000, interval: 50 };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const HOSTILE = [
  '<img src=x onerror="window.executed=1">',
  "<script>window.executed=1</script>",
  "\"><svg onload='window.executed=1'>",
  "javascript:window.executed=1",
  "line\nbreak\u2028\u0000\u001b[31mred",
  "\u202etxet denrut",
  "emoji 🦊👩‍👩‍👧 and half a pair \uD800",
  `${"x".repeat(1_000_000)}</td></table>`,
];

describe("the dashboard in a browser", { tags: ["chromium"] }, () => {
  let rig: DashboardRig;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let client: MCPClient;
  const problems: string[] = [];

  beforeAll(async () => {
    [rig, browser] = await Promise.all([dashboardRig(), startBrowser()]);
    client = clientOf(KEYS.bob);
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on("pageerror", ({ message }) => problems.push(message));
    page.on("console", (said) => {
      // A refused request is a line in the console; what the page does about it is tested.
      if (said.type() === "error" && !/status of 40[13]/.test(said.text())) {
        problems.push(said.text());
      }
    });
  });

  afterAll(async () => {
    await client?.close();
    await browser?.close();
    await rig?.stop();
  });

  function clientOf(key: string, more: object = {}): MCPClient {
    const headers = { "X-API-Key": key };
    return new MCPClient({ url: rig.url, headers, logger: quiet, maxRetries: 0, ...more });
  }

  const textOf = async (selector: string): Promise<string> =>
    (await page.locator(selector).textContent()) ?? "";

  async function choose(name: string): Promise<void> {
    await page.locator("#tool-list button", { hasText: name }).first().click();
    await page.locator("#tool h3", { hasText: name }).waitFor();
  }

  const call = (): Promise<void> =>
    page.locator("#call-form").getByRole("button", { name: "Call" }).click();

  const outcomeHas = (text: string): Promise<void> =>
    page.locator("#tool .outcome", { hasText: text }).waitFor();

  const executed = (): Promise<unknown> =>
    page.evaluate(() => (globalThis as { executed?: unknown }).executed);

  async function serious(): Promise<string[]> {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(),
    );
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  }

  it("asks for a key, refuses a wrong one, and takes a right one", async () => {
    await page.goto(rig.at);
    await page.locator("#sign-in").waitFor();
    expect(await page.locator("#board").isVisible()).toBe(false);
    expect(await serious()).toEqual([]);
    await page.locator("#credential").fill("wrong");
    await page.keyboard.press("Enter");
    await page.locator("#sign-in-error", { hasText: "Nobody has this key" }).waitFor();
    await page.locator("#credential").fill(KEYS.ada);
    await page.keyboard.press("Enter");
    await page.locator("#live", { hasText: "Live" }).waitFor();
    expect(await textOf("#who")).toBe("ada");
    expect(await textOf("#server")).toBe("observed");
    expect(await page.evaluate("document.cookie")).toBe("");
  });

  it("paints before it has any data, in few bytes, from this server alone", async () => {
    const second = await context.newPage();
    const asked: string[] = [];
    second.on("request", (request) => asked.push(request.url()));
    const network = await context.newCDPSession(second);
    await network.send("Network.enable");
    let bytes = 0;
    network.on("Network.loadingFinished", ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    // Nothing but the page and its parts is ever answered.
    await second.route(/\/(session|events|tools)$/, () => {});
    await second.goto(rig.at);
    await second.waitForFunction(
      () => performance.getEntriesByName("first-contentful-paint").length > 0,
    );
    expect(await second.locator("#f-rate").textContent()).toBe("–");
    expect(await second.locator("#live").textContent()).toBe("Connecting");
    await expect.poll(() => asked.some((url) => url.endsWith("/session")), WAIT).toBe(true);
    expect(new Set(asked.map((url) => new URL(url).origin))).toEqual(
      new Set([new URL(rig.at).origin]),
    );
    expect(bytes).toBeGreaterThan(5_000);
    expect(bytes).toBeLessThanOrEqual(MAX_PAGE_BYTES);
    await second.close();
  });

  it("shows in each panel what the traffic does", async () => {
    const panels = ["#f-rate", "#f-errors", "#f-p95", "#f-p99", "#f-sessions-sub"];
    panels.push("#f-streams-sub", "#f-cache", "#f-limits", "#by-tool", "#health", "#caches");
    panels.push("#limits", "#trouble", "#calls");
    const labels = ["#c-rate", "#c-heat"];
    const drawn = (id: string): Promise<string> =>
      page
        .locator(id)
        .evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());
    const label = (id: string): Promise<string | null> =>
      page.locator(id).getAttribute("aria-label");
    await page.locator("#health", { hasText: "healthy" }).waitFor();
    const before = await Promise.all(panels.map(textOf));
    const charts = await Promise.all(labels.map(drawn));
    const said = await Promise.all(labels.map(label));

    const legacy = clientOf(KEYS.ada, { protocol: "2025-11-25" });
    await legacy.connect();
    await client.callTool("forecast");
    await client.callTool("forecast");
    await client.callTool("refuses");
    await Promise.all(Array.from({ length: 9 }, () => client.callTool("steps")));
    await clientOf("wrong")
      .connect()
      .catch(() => {});
    for (let n = 0; n < 100; n++) await client.callTool("echo", { text: "a" }).catch(() => {});
    const stream = await fetch(`${rig.at}/events`, { headers: { "X-API-Key": KEYS.bob } });
    rig.health.sick = true;

    for (const [index, panel] of panels.entries()) {
      await expect.poll(() => textOf(panel), { ...WAIT, message: panel }).not.toBe(before[index]);
    }
    for (const [index, id] of labels.entries()) {
      await expect.poll(() => drawn(id), { ...WAIT, message: id }).not.toBe(charts[index]);
      await expect.poll(() => label(id), { ...WAIT, message: id }).not.toBe(said[index]);
    }
    expect(await textOf("#f-p50")).toMatch(/^[\d.]+(µs|ms)$/);
    await page.locator("#health-pill", { hasText: "unhealthy" }).waitFor();
    await page.locator("#by-tool tr", { hasText: "refuses" }).getByText("100 %").waitFor();
    await page.locator("#caches", { hasText: "answers" }).waitFor();
    await page.locator("#limits", { hasText: "rateLimit" }).waitFor();
    await page.locator("#trouble", { hasText: "Refused credentials" }).waitFor();
    rig.health.sick = false;
    await stream.body?.cancel();
    await legacy.close();
  });

  it("shows a call with its audit record, by keyboard", async () => {
    await page.locator("#calls .row-button").first().focus();
    await page.keyboard.press("Enter");
    const record = page.locator("#calls dl");
    await record.waitFor();
    const shown = (await record.textContent()) ?? "";
    const seq = Number(/seq(\d+)time/.exec(shown)?.[1]);
    const kept = rig.audit.recent().find((each) => each.seq === seq);
    expect(shown).toContain(kept?.hash);
    expect(shown).toContain(kept?.prev);
    await page.locator("#calls .row-button[aria-expanded=true]").press("Enter");
    await record.waitFor({ state: "detached" });
  });

  it("calls a tool from its schema, by keyboard, and shows its result as text", async () => {
    const button = page.locator("#tool-list button", { hasText: "echo" });
    await button.focus();
    await page.keyboard.press("Enter");
    await page.locator("#tool h3", { hasText: "echo" }).waitFor();
    expect(await textOf("#tool")).toContain("What comes back.");
    const input = page.getByLabel("text");
    await input.fill(HOSTILE[0] as string);
    await page.keyboard.press("Enter");
    await outcomeHas("onerror");
    await page.locator("#tool .pill", { hasText: "ok" }).waitFor();
    expect(await executed()).toBeUndefined();
    await page.getByText("Input schema").click();
    await page.locator("#tool details pre", { hasText: '"properties"' }).waitFor();
  });

  it("shows progress, log lines and the end", async () => {
    await choose("steps");
    await call();
    await outcomeHas("2 of 4 · step 2");
    expect(await page.locator("#tool progress").getAttribute("max")).toBe("4");
    await outcomeHas("all steps");
    await outcomeHas("at 3");
    await choose("hangs");
    await call();
    await page.getByRole("button", { name: "Cancel" }).click();
    await outcomeHas("The call was cancelled");
  });

  it("asks what the tool asks, and sends the answer", async () => {
    await choose("book");
    await page.getByLabel("room").fill("Blue");
    await call();
    const ask = page.locator("form.ask");
    await ask.getByText("How many in <b>Blue</b>?").waitFor();
    expect(await serious()).toEqual([]);
    await ask.getByLabel("people").fill("four");
    await ask.getByRole("button", { name: "Answer" }).click();
    await ask.getByText("must be a whole number").waitFor();
    await ask.getByLabel("people").fill("4");
    await ask.getByLabel("layout").selectOption({ label: "rows" });
    await ask.getByLabel("layout").press("Tab");
    await page.keyboard.press("Enter");
    await outcomeHas("Blue: 4, rows");
    await call();
    await ask.getByRole("button", { name: "Decline" }).click();
    await outcomeHas("decline");
  });

  it("is not called from a page of somebody else, although the cookie may come along", async () => {
    const elsewhere = createServer((_request, response) => response.end("<!doctype html>evil"));
    await once(elsewhere.listen(0, "127.0.0.1"), "listening");
    const evil = await context.newPage();
    await evil.goto(`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`);
    const answered = evil.waitForResponse(/\/call$/);
    await evil.evaluate(
      (url) =>
        fetch(url, {
          method: "POST",
          mode: "no-cors",
          credentials: "include",
          body: '{"name":"whoami"}',
        }).catch(() => {}),
      `${rig.at}/call`,
    );
    expect((await answered).status()).toBe(403);
    const reads = evil.evaluate((url) => fetch(url, { credentials: "include" }), `${rig.at}/tools`);
    await expect(reads).rejects.toThrow(/fetch/i);
    await rig.audit.flush();
    expect(rig.audit.recent().some((one) => one.kind === "call" && one.target === "whoami")).toBe(
      false,
    );
    await evil.close();
    elsewhere.close();
  });

  it("stands whatever the names and results are", async () => {
    const ada = clientOf(KEYS.ada);
    for (const name of HOSTILE) {
      rig.server.prompt(name, { description: name }, () => name);
      await ada.getPrompt(name).catch(() => {});
      await ada.callTool(name).catch(() => {});
    }
    await ada.close();
    await page.locator("#calls", { hasText: "\\u202e" }).waitFor();
    await choose("megabytes");
    await call();
    await outcomeHas("of which these are the first");
    await page.locator("#calls .row-button").nth(3).click();
    const ticked = await textOf("#health-time");
    await expect.poll(() => textOf("#health-time"), WAIT).not.toBe(ticked);
    expect(await executed()).toBeUndefined();
    expect(await page.locator("script:not([src]), [onerror], [onload]").count()).toBe(0);
    expect(await serious()).toEqual([]);
  });

  it.each([
    { colorScheme: "dark", width: 1280 },
    { colorScheme: "light", width: 360 },
    { colorScheme: "dark", width: 360 },
  ] as const)("is readable in $colorScheme at $width px", async ({ colorScheme, width }) => {
    const background = (): Promise<string> =>
      page.evaluate("getComputedStyle(document.body).backgroundColor");
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 740 });
    expect(await background()).toBe(
      colorScheme === "dark" ? "rgb(13, 17, 23)" : "rgb(244, 246, 248)",
    );
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    expect(await serious()).toEqual([]);
  });

  it("signs out", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.locator("#credential").waitFor();
    expect(await page.locator("#board").isVisible()).toBe(false);
    expect((await context.cookies()).length).toBe(0);
  });

  it("had nothing to complain about, its own policy included", () => {
    expect(problems).toEqual([]);
  });
});
