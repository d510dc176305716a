/**
 * A copy served while the application is frozen, in a real browser: its scripts run
 * under its policy, its styles are applied, and a buyer with a cart is not shown somebody's empty one.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium, type BrowserContext, type Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { until } from "../support/daemon.ts";
import { findStarter } from "./build-starter.ts";
import { openKeptShop } from "./kept-shop.ts";

const CHROMIUM = process.env["SHOPKEEPER_CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const PRODUCT = "/products/alder-daypack";
/** Beyond the 5 s that the gateway itself waits for an application that does not answer. */
const LOAD_MS = 20_000;

/** The starter's style sheets, without the hashes of their names, and that none is empty. */
const STYLES = ["/assets/reset", "/assets/app"];

const found = await findStarter();
const reason = found.kind === "missing" ? found.reason : existsSync(CHROMIUM) ? null : `no browser at ${CHROMIUM}`;

type Shown = { readonly status: number; readonly cacheStatus: string; readonly blocked: readonly string[]; readonly ran: boolean; readonly title: string; readonly badge: string; readonly styles: readonly string[]; readonly laidOut: string };

/** Runs in the page, before its own scripts. The simulator's pictures are not where the starter's policy lets pictures come from. */
const NOTE_BLOCKED = `globalThis.blockedByPolicy = [];
document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => effectiveDirective === "img-src" || blockedByPolicy.push(effectiveDirective + " " + blockedURI));`;
/** Runs in the page, after its own scripts. */
const LOOK = `(() => {
  const badge = document.querySelector('a[href="/cart"] > span[aria-label^="(items:"]');
  return {
    blocked: blockedByPolicy,
    ran: "__reactRouterContext" in globalThis,
    title: document.querySelector("h1")?.textContent ?? "",
    badge: badge === null ? "absent" : getComputedStyle(badge).display,
    styles: [...document.styleSheets].filter(({ href }) => href !== null).map(({ href, cssRules }) => new URL(href).pathname.replace(/-[^/]*$/, "") + (cssRules.length > 0 ? "" : " is empty")),
    laidOut: getComputedStyle(document.querySelector(".product")).display,
  };
})()`;

/** Waits until everything that the page links or loads from the shop's own assets is served from a copy. */
async function untilAssetsKept(url: string): Promise<number> {
  const html = await (await fetch(url + PRODUCT, { signal: AbortSignal.timeout(5_000) })).text();
  const paths = new Set(Array.from(html.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g), ([, found]) => found ?? ""));
  for (const asset of paths) {
    await until(`a copy of ${asset} is stored`, async () => {
      const { headers } = await fetch(url + asset, { method: "HEAD", signal: AbortSignal.timeout(5_000) });
      return headers.get("x-cache-status") === "HIT";
    });
  }
  return paths.size;
}

/** Opens the page as it is served and tells what a buyer's browser made of it. */
async function show(context: BrowserContext, url: string, screenshot: string): Promise<Shown> {
  const page: Page = await context.newPage();
  await page.addInitScript({ content: NOTE_BLOCKED });
  const answer = await page.goto(url, { waitUntil: "load", timeout: LOAD_MS });
  const inPage = await page.evaluate<Pick<Shown, "blocked" | "ran" | "title" | "badge" | "styles" | "laidOut">>(LOOK);
  await page.screenshot({ path: screenshot, timeout: LOAD_MS });
  await page.close();
  return { status: answer?.status() ?? 0, cacheStatus: answer?.headers()["x-cache-status"] ?? "", ...inPage };
}

describe.skipIf(reason !== null)(`a served copy in a browser${reason === null ? "" : ` (not run: ${reason})`}`, { timeout: 120_000 }, () => {
  test("runs its own scripts under its policy with its styles applied, and hides the cart's count from a buyer with a cart", async ({ onTestFailed }) => {
    if (found.kind === "missing") throw new Error(found.reason);
    await using shop = await openKeptShop(found.starter, "fresh", onTestFailed);
    await using browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, headless: true });
    const screenshots = await mkdtemp(path.join(tmpdir(), "shopkeeper-screenshots-"));
    onTestFailed(() => void process.stderr.write(`screenshots are in ${screenshots}\n`));
    expect(await untilAssetsKept(shop.daemon.url)).toBeGreaterThan(5);
    process.kill(await shop.appPid(), "SIGSTOP");
    await until("the gateway knows that the application is frozen", async () =>
      (await shop.daemon.status()).breakers.some(({ name, effective }) => name === "ingress:app" && effective === "open"));

    const url = shop.daemon.url + PRODUCT;
    const anonymous = await show(await browser.newContext(), url, path.join(screenshots, "anonymous.png"));
    expect(anonymous).toMatchObject({ status: 200, cacheStatus: "HIT", ran: true, title: "Alder Daypack", blocked: [], styles: STYLES, laidOut: "grid" });
    expect(anonymous.badge).not.toBe("none");

    const withCart = await browser.newContext();
    await withCart.addCookies([{ name: "cart", value: "invented", url: shop.daemon.url }]);
    const neutralised = await show(withCart, url, path.join(screenshots, "with-cart.png"));
    expect(neutralised).toMatchObject({ status: 200, cacheStatus: "HIT", ran: true, title: "Alder Daypack", blocked: [], badge: "none", styles: STYLES, laidOut: "grid" });
    await rm(screenshots, { recursive: true });
  });
});
