/**
 * Answers of our own when neither the application nor a copy can give one.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { carriesBody } from "./headers.ts";

export type Refusal = {
  readonly status: 400 | 414 | 421 | 502 | 503 | 504;
  /** For Cache-Status; one token. */
  readonly detail: string;
  /** Seconds for Retry-After; null: trying again is no use. */
  readonly retryAfter: number | null;
  readonly requestId: string;
};

const WORDS: Readonly<Record<Refusal["status"], string>> = {
  400: "Bad request",
  414: "Address too long",
  421: "Wrong address",
  502: "Back in a moment",
  503: "Back in a moment",
  504: "Back in a moment",
};

/**
 * Sends a refusal: a small page, or problem details (RFC 9457) for requests that do not want HTML.
 *
 * @returns bytes of body sent.
 */
export function refuse(req: IncomingMessage, res: ServerResponse, refusal: Refusal): number {
  const { status, detail, retryAfter, requestId } = refusal;
  const html = wantsHtml(req);
  const body = Buffer.from(html ? page(status) : `${JSON.stringify({ type: "about:blank", title: WORDS[status], status, code: detail })}\n`);
  const fields = [
    "content-type", html ? "text/html; charset=utf-8" : "application/problem+json",
    "content-length", String(body.length),
    "cache-control", "no-store",
    "cache-status", `shopkeeper; fwd=bypass; detail=${detail}`,
    "x-cache-status", "BYPASS",
    "request-id", requestId,
  ];
  if (retryAfter !== null) fields.push("retry-after", String(retryAfter));
  if (html) fields.push("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'");
  // What is left of a body nobody read would be taken for the next request.
  if (!req.complete && carriesBody(req)) fields.push("connection", "close");
  res.writeHead(status, fields);
  res.end(req.method === "HEAD" ? undefined : body);
  return req.method === "HEAD" ? 0 : body.length;
}

function wantsHtml(req: IncomingMessage): boolean {
  if (/\.data(?:\?|$)/.test(req.url ?? "")) return false;
  const accept = req.headers.accept;
  return accept === undefined || accept.includes("text/html") || (accept.includes("*/*") && !accept.includes("json"));
}

function page(status: Refusal["status"]): string {
  const waits = status >= 500;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><title>${WORDS[status]}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;background:#faf9f7;color:#1d1d1b}main{max-width:30rem;padding:2rem}h1{font-size:1.5rem;margin:0 0 .5rem}p{margin:.5rem 0}@media(prefers-color-scheme:dark){body{background:#1d1d1b;color:#faf9f7}}</style></head>
<body><main><h1>${WORDS[status]}</h1>${waits ? "<p>The shop is having a short rest. Your cart is safe. Please try again in a few seconds.</p>" : "<p>This address cannot be answered.</p>"}</main></body></html>
`;
}
