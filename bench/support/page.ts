/**
 * The page all contestants deliver, and the health body all of them ask.
 */

const BYTES = 24 * 1_024;
const NONCES = 24;
const NONCE = "3f9a2c5e81d74b06a1c8e95f20d7b364";

/** Ends as a React Router page ends, so that the preset takes it for whole. */
const END = `<script nonce="${NONCE}">window.__reactRouterContext.streamController.close();</script></body></html>`;

function render(): Buffer {
  const scripts = Array.from({ length: NONCES - 2 }, (_, at) => `<script nonce="${NONCE}" src="/assets/part-${at}.js"></script>`).join("");
  const head = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Product</title><style nonce="${NONCE}">body{font:16px system-ui}</style></head><body><header><a href="/cart">Cart</a></header><main>`;
  const fixed = head + "</main>" + scripts + END;
  const words = "A plain sentence about a good product, as shops have them. ";
  const text = words.repeat(Math.ceil(BYTES / words.length)).slice(0, BYTES - fixed.length);
  return Buffer.from(`${head}${text}</main>${scripts}${END}`, "latin1");
}

export const PAGE = render();

export const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "public, max-age=3600",
  "content-security-policy": `default-src 'self'; script-src 'self' 'nonce-${NONCE}'; style-src 'self' 'nonce-${NONCE}'; base-uri 'self'; frame-ancestors 'none'`,
  "content-length": String(PAGE.length),
} as const;

export const HEALTH = Buffer.from(JSON.stringify({ status: "pass", memory_usage: "41.5%", cpu_usage: "12.0%", checks: { database: "ok", cache: "ok" } }));
