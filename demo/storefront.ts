/**
 * A storefront to break, with the habits of a real one: every page asks the
 * Storefront API, a failing API makes a page 500 (or, throttled, a product 404),
 * a hanging one holds it, and pages carry a nonce.
 *
 *   node demo/storefront.ts --port 3000 --api http://127.0.0.1:4100
 *
 * POST /__demo/break   every page is an error from now on, while /health says 200
 */
import { randomBytes } from "node:crypto";
import http from "node:http";
import { parseArgs } from "node:util";
import type { Product } from "./catalogue.ts";

const { values } = parseArgs({ options: { port: { type: "string", default: "3000" }, api: { type: "string", default: "http://127.0.0.1:4100" } } });
let broken = false;

/** One call to the API, without a deadline: as storefronts do it. */
async function ask(query: string, variables: Record<string, unknown> = {}): Promise<Record<string, unknown> | null> {
  const response = await fetch(`${values.api}/api/2026-04/graphql.json`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  if (!response.ok) throw new Error(`Storefront API answered ${response.status}`);
  const { data } = (await response.json()) as { data?: Record<string, unknown> };
  return data ?? null;
}

function layout(title: string, body: string, nonce: string): string {
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${title}</title><link rel="modulepreload" nonce="${nonce}" href="/assets/entry.js"><style nonce="${nonce}">body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto}</style></head><body><header><a href="/">Demo Outfitters</a> <a href="/cart">Cart <span>0</span></a></header><main>${body}</main><script nonce="${nonce}">window.__reactRouterContext={streamController:{close(){}}};window.__reactRouterContext.streamController.close();</script></body></html>`;
}

function list(products: readonly Product[]): string {
  return `<ul>${products.map((one) => `<li><a href="/products/${one.handle}">${one.title}</a> $${one.price}</li>`).join("")}</ul>`;
}

type Page = { readonly status: number; readonly title: string; readonly body: string };

async function page(path: string): Promise<Page> {
  if (broken) throw new Error("poisoned");
  if (path === "/" || path === "/collections/all") {
    const data = await ask("query Products { products(first: 20) { nodes { handle title price description } } }");
    if (data === null) throw new Error("no data");
    const { nodes } = data["products"] as { nodes: Product[] };
    return { status: 200, title: path === "/" ? "Demo Outfitters" : "All products", body: list(nodes) };
  }
  const handle = /^\/products\/([\w-]+)$/.exec(path)?.[1];
  const data = handle === undefined ? null : await ask("query Product($handle: String!) { product(handle: $handle) { handle title price description } }", { handle });
  const product = data?.["product"] as Product | null | undefined;
  if (product === null || product === undefined) return { status: 404, title: "Not found", body: "<h1>Not found</h1>" };
  return { status: 200, title: product.title, body: `<h1>${product.title}</h1><p>${product.description}</p><p>$${product.price}</p><button>Add to cart</button>` };
}

async function render(path: string, response: http.ServerResponse): Promise<void> {
  const nonce = randomBytes(16).toString("hex");
  const { status, title, body } = await page(path);
  response.writeHead(status, { "content-type": "text/html; charset=utf-8", "content-security-policy": `default-src 'self'; script-src 'self' 'nonce-${nonce}'; style-src 'self' 'nonce-${nonce}'` });
  response.end(layout(title, body, nonce));
}

function health(response: http.ServerResponse): void {
  const used = process.memoryUsage.rss() / (512 * 1024 * 1024);
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ status: "pass", memory_usage: `${(used * 100).toFixed(1)}%`, cpu_usage: "5%" }));
}

const server = http.createServer((request, response) => {
  const path = new URL(request.url ?? "/", "http://demo").pathname;
  if (path === "/health") return health(response);
  if (path === "/__demo/pid") return void response.end(String(process.pid));
  if (path === "/__demo/break") {
    broken = true;
    return void response.end("broken\n");
  }
  render(path, response).catch(() => {
    if (!response.headersSent) response.writeHead(500, { "content-type": "text/html; charset=utf-8" });
    response.end("<!DOCTYPE html><html><body><h1>Unexpected Server Error</h1></body></html>");
  });
});
server.keepAliveTimeout = 65_000;
server.listen(Number(values.port), "127.0.0.1", () => process.stdout.write(`demo storefront on ${values.port}\n`));
process.on("SIGTERM", () => process.exit(0));
