/**
 * The self-hoster's server: hosts the unmodified production bundle of a Hydrogen
 * application on plain Node.
 *
 *   node host.ts --app FOLDER --storefront-origin URL [--address 127.0.0.1] [--port N] [--health /health]
 *
 * It gives the bundle what Shopify's own platform would: static assets, a cache
 * behind `caches.open()`, `waitUntil`, and the buyer's address. Like most such
 * servers it has a health route that knows about the process and nothing about
 * its pages. Prints `{"url": …, "pid": …}` when it listens. It handles no unhandled
 * rejection: where plain Node dies, it dies.
 *
 * `POST /__app/flush` empties the sub-request cache, as a restart would; other orders are in `ailments.ts`.
 */
import { createReadStream, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { ailments } from "./ailments.ts";
import { redirectStorefrontCalls } from "./egress.ts";

/** The parts used of `@remix-run/node-fetch-server`, which only the application's own folder has. */
type FetchServer = {
  readonly createRequest: (request: IncomingMessage, response: ServerResponse, options: { protocol: string }) => Request;
  readonly sendResponse: (response: ServerResponse, answer: Response) => Promise<void>;
};

type ExecutionContext = { readonly waitUntil: (work: Promise<unknown>) => void; readonly passThroughOnException: () => void };

type Worker = { readonly fetch: (request: Request, env: NodeJS.ProcessEnv, context: ExecutionContext) => Promise<Response> };

const SHOP_DOMAIN = "sim-shop.myshopify.com";

/** What the starter reads from its environment; a variable already set wins. */
const APPLICATION_ENV = {
  PUBLIC_STORE_DOMAIN: SHOP_DOMAIN,
  PUBLIC_CHECKOUT_DOMAIN: "sim-shop.example",
  PUBLIC_STOREFRONT_API_TOKEN: "public-sim-token",
  PRIVATE_STOREFRONT_API_TOKEN: "private-sim-token",
  PUBLIC_STOREFRONT_ID: "1000",
  SESSION_SECRET: "sim-secret",
};

const CONTENT_TYPES = new Map([
  [".js", "text/javascript; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".svg", "image/svg+xml"],
  [".json", "application/json"],
]);

/** Above the usual load balancer's 60 s, so that it is never us who closes a connection it is about to use. */
const KEEP_ALIVE_MS = 65_000;
const DRAIN_MS = 5_000;
/** What `memory_usage` is a percentage of: a usual container limit. */
const MEMORY_LIMIT_BYTES = 1024 ** 3;

const { values: options } = parseArgs({
  options: {
    app: { type: "string" },
    "storefront-origin": { type: "string" },
    address: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "0" },
    health: { type: "string", default: "/health" },
  },
});
const { app, "storefront-origin": storefrontOrigin } = options;
if (app === undefined || storefrontOrigin === undefined) {
  throw new TypeError("usage: host.ts --app FOLDER --storefront-origin URL [--address ADDRESS] [--port N] [--health PATH]");
}
const { pagesAreBroken, order } = ailments(process.env);

for (const [name, value] of Object.entries(APPLICATION_ENV)) process.env[name] ??= value;
// Not a choice: a test runner that sets it otherwise would have us measure a development build.
process.env["NODE_ENV"] = "production";
redirectStorefrontCalls(process.env["PUBLIC_STORE_DOMAIN"] ?? SHOP_DOMAIN, storefrontOrigin);

const applicationRequire = createRequire(path.join(app, "package.json"));
const { createRequest, sendResponse } = applicationRequire("@remix-run/node-fetch-server") as FetchServer;
const { InMemoryCache } = applicationRequire("@shopify/hydrogen") as { readonly InMemoryCache: new () => object };

let subRequestCache = new InMemoryCache();
Object.assign(globalThis, { caches: { open: () => Promise.resolve(subRequestCache) } });
const { default: worker } = (await import(pathToFileURL(path.join(app, "dist/server/index.js")).href)) as { readonly default: Worker };

const context: ExecutionContext = {
  waitUntil: (work) => void work.catch((error: unknown) => report(error)),
  passThroughOnException: () => undefined,
};

async function render(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Hydrogen reads the buyer's address and the request's id from these names. The
  // first X-Forwarded-For entry is believed: only ever listen behind a proxy.
  const forwardedFor = String(request.headers["x-forwarded-for"] ?? "").split(",")[0]?.trim();
  request.headers["oxygen-buyer-ip"] = forwardedFor || request.socket.remoteAddress || "127.0.0.1";
  const requestId = request.headers["x-request-id"];
  if (requestId !== undefined) request.headers["request-id"] ??= requestId;

  const protocol = `${String(request.headers["x-forwarded-proto"] ?? "http")}:`;
  const answer = await worker.fetch(createRequest(request, response, { protocol }), process.env, context);
  if (!response.destroyed) await sendResponse(response, answer);
}

const assets = path.join(app, "dist/client");

function sendAsset(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method !== "GET" && request.method !== "HEAD") return false;
  const { pathname } = new URL(request.url ?? "/", "http://application");
  const file = path.join(assets, decodeURIComponent(pathname));
  if (!file.startsWith(assets + path.sep)) return false;
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile()) return false;
  response.writeHead(200, {
    "content-type": CONTENT_TYPES.get(path.extname(file)) ?? "application/octet-stream",
    "content-length": found.size,
    // The bundler puts a hash of the content into the names below /assets.
    "cache-control": pathname.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "public, max-age=3600",
  });
  if (request.method === "HEAD") response.end();
  else createReadStream(file).on("error", () => response.destroy()).pipe(response);
  return true;
}

let cpuAt = { usage: process.cpuUsage(), time: process.hrtime.bigint() };

/** The usual health route: alive means well. It never renders a page, so it cannot know that every page is an error. */
function sendHealth(response: ServerResponse): void {
  const time = process.hrtime.bigint();
  const { user, system } = process.cpuUsage(cpuAt.usage);
  const elapsedMicroseconds = Number(time - cpuAt.time) / 1000;
  cpuAt = { usage: process.cpuUsage(), time };
  const percent = (share: number): number => Math.round(share * 1000) / 10;
  const body = {
    status: "pass",
    memory_usage: percent(process.memoryUsage.rss() / MEMORY_LIMIT_BYTES),
    cpu_usage: percent(Math.min(1, (user + system) / Math.max(1, elapsedMicroseconds))),
  };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === "POST" && request.url === "/__app/flush") {
    subRequestCache = new InMemoryCache();
    response.end("flushed\n");
    return;
  }
  const ordered = request.method === "POST" ? order(request.url ?? "/") : null;
  if (ordered !== null) return void response.end(`${ordered}\n`);
  if (request.url === options.health) return sendHealth(response);
  if (sendAsset(request, response)) return;
  if (pagesAreBroken()) response.writeHead(500, { "content-type": "text/plain" }).end("Internal Server Error");
  else await render(request, response);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    report(error);
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { "content-type": "text/plain" }).end("Internal Server Error");
  });
});
server.keepAliveTimeout = KEEP_ALIVE_MS;
server.listen(Number(options.port), options.address, () => {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  process.stdout.write(`${JSON.stringify({ url: `http://${options.address}:${port}`, pid: process.pid })}\n`);
});
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setTimeout(() => process.exit(0), DRAIN_MS).unref();
});

function report(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}
