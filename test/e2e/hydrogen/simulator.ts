/**
 * A Storefront API to break: Shopify's own published schema, a deterministic
 * shop, carts in memory, and faults to switch on and off.
 *
 * Over HTTP, for whoever runs it in another process:
 *
 *   POST   /api/<version>/graphql.json      the API
 *   GET    /cdn/<name>.svg                  product images
 *   GET    /__sim/faults                    the rules; PUT `[rule, …]` or `{rules, seed}` replaces them, DELETE removes them
 *   GET    /__sim/stats, /__sim/log         what was asked, and how it was answered
 *   PUT    /__sim/tracking                  "full" | "essential" | "off"
 *   POST   /__sim/product/<handle>          {"baseCents"?: number, "title"?: string}
 *   POST   /__sim/reset                     no faults, no carts, empty counters
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { once } from "node:events";
import type { Api } from "./simulator/api.ts";
import { answerCall } from "./simulator/api.ts";
import type { Carts } from "./simulator/carts.ts";
import { createCarts } from "./simulator/carts.ts";
import type { Catalog } from "./simulator/catalog.ts";
import { createCatalog } from "./simulator/catalog.ts";
import { createExecutor, loadSchema } from "./simulator/execute.ts";
import type { FaultRule } from "./simulator/faults.ts";
import { createFaultPlan, isFaultRule } from "./simulator/faults.ts";
import { readBody, sendJson } from "./simulator/http.ts";
import type { Entry, Stats } from "./simulator/journal.ts";
import { createJournal } from "./simulator/journal.ts";
import { rootFields } from "./simulator/root.ts";
import type { TrackingMode } from "./simulator/tracking.ts";
import { isTrackingMode } from "./simulator/tracking.ts";

export type { FaultRule } from "./simulator/faults.ts";
export type { Entry, Stats } from "./simulator/journal.ts";

export type SimulatorOptions = {
  /** Introspection JSON of the Storefront schema; a built starter has it (`Starter.schemaFile`). */
  readonly schemaFile: string;
  /** Of this machine, where it listens: 127.0.0.1 by default. Not loopback: for who cannot reach that, such as a pod. */
  readonly address?: string;
  /** 0, the default, takes a free port. */
  readonly port?: number;
};

export type Simulator = AsyncDisposable & {
  /** `http://<address>:<port>`, without a trailing slash. */
  readonly url: string;
  /** Replaces every fault rule; `[]` makes the API healthy. */
  readonly setFaults: (rules: readonly FaultRule[], seed?: number) => void;
  readonly setTracking: (mode: TrackingMode) => void;
  /** Edits a product, as a merchant would. Throws a RangeError for an unknown handle. */
  readonly setProduct: (handle: string, edit: { readonly title?: string; readonly baseCents?: number }) => void;
  readonly stats: () => Stats;
  readonly log: () => readonly Entry[];
  readonly reset: () => void;
  /** Closes the listener and every connection, hanging ones included. */
  readonly stop: () => Promise<void>;
};

type State = { readonly api: Api; readonly controls: Omit<Simulator, "url" | "stop" | typeof Symbol.asyncDispose> };

export async function startSimulator({ schemaFile, address = "127.0.0.1", port = 0 }: SimulatorOptions): Promise<Simulator> {
  let state: State | null = null;
  const server = createServer((request, response) => {
    if (!state) return void response.writeHead(503).end();
    route(state, request, response).catch((error: unknown) => fail(response, error));
  });
  server.keepAliveTimeout = 75_000;
  server.listen(port, address);
  await once(server, "listening");

  const url = `http://${address}:${portOf(server)}`;
  state = createState(schemaFile, `${url}/cdn`);
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { url, ...state.controls, stop, [Symbol.asyncDispose]: stop };
}

function createState(schemaFile: string, imageBase: string): State {
  const catalog = createCatalog();
  const carts: Carts = createCarts({ catalog, imageBase });
  const faults = createFaultPlan();
  const journal = createJournal();
  let tracking: TrackingMode = "full";
  const execute = createExecutor(loadSchema(schemaFile), rootFields({ catalog, imageBase }, carts));
  return {
    api: { execute, faults, journal, tracking: () => tracking },
    controls: {
      setFaults: faults.set,
      setTracking: (mode) => {
        tracking = mode;
      },
      setProduct: (handle, edit) => editProduct(catalog, handle, edit),
      stats: journal.stats,
      log: journal.log,
      reset: () => {
        faults.set([]);
        journal.clear();
        carts.clear();
      },
    },
  };
}

function editProduct({ products }: Catalog, handle: string, { title, baseCents }: { readonly title?: string; readonly baseCents?: number }): void {
  const product = products.find((candidate) => candidate.handle === handle);
  if (!product) throw new RangeError(`no product ${handle}`);
  product.title = title ?? product.title;
  product.baseCents = baseCents ?? product.baseCents;
}

async function route({ api, controls }: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://simulator");
  const [first, second = "", third = ""] = pathname.split("/").filter(Boolean);
  if (first === "__sim") return await administer({ api, controls }, request, response, second, third);
  if (first === "api" && third === "graphql.json" && request.method === "POST") return await answerCall(api, request, response, second);
  if (first === "cdn") return sendImage(response, second);
  response.writeHead(404, { "content-type": "text/plain" }).end("not found");
}

async function administer({ api, controls }: State, request: IncomingMessage, response: ServerResponse, what: string, name: string): Promise<void> {
  const text = request.method === "GET" ? "" : await readBody(request);
  const body: unknown = text === "" ? null : JSON.parse(text);
  switch (`${request.method} ${what}`) {
    case "PUT faults": {
      const { rules, seed } = faultsIn(body);
      controls.setFaults(rules, seed);
      return sendJson(response, { rules });
    }
    case "DELETE faults":
      controls.setFaults([]);
      return sendJson(response, { rules: [] });
    case "GET faults":
      return sendJson(response, { rules: api.faults.rules() });
    case "GET stats":
      return sendJson(response, controls.stats());
    case "GET log":
      return sendJson(response, controls.log());
    case "PUT tracking":
      if (!isTrackingMode(body)) throw new TypeError('tracking is "full", "essential" or "off"');
      controls.setTracking(body);
      return sendJson(response, { tracking: body });
    case "POST product":
      controls.setProduct(name, productEdit(body));
      return sendJson(response, { handle: name });
    case "POST reset":
      controls.reset();
      return sendJson(response, { ok: true });
    default:
      return sendJson(response, { error: "unknown" }, 404);
  }
}

function faultsIn(body: unknown): { readonly rules: readonly FaultRule[]; readonly seed?: number } {
  const bare: unknown = typeof body === "object" && body !== null && "rules" in body ? body.rules : body;
  if (!Array.isArray(bare) || !bare.every(isFaultRule)) throw new TypeError("expected fault rules: [rule, …] or {rules: [rule, …], seed}");
  const seed: unknown = typeof body === "object" && body !== null && "seed" in body ? body.seed : undefined;
  return typeof seed === "number" ? { rules: bare, seed } : { rules: bare };
}

function productEdit(body: unknown): { readonly title?: string; readonly baseCents?: number } {
  if (typeof body !== "object" || body === null) throw new TypeError("expected {title?, baseCents?}");
  return {
    ...("title" in body && typeof body.title === "string" && { title: body.title }),
    ...("baseCents" in body && typeof body.baseCents === "number" && { baseCents: body.baseCents }),
  };
}

function sendImage(response: ServerResponse, name: string): void {
  const label = name.replace(/[^\w.-]/g, "");
  const body = `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="600"><rect width="600" height="600" fill="#ccd"/><text x="20" y="300" font-size="28">${label}</text></svg>`;
  response.writeHead(200, { "content-type": "image/svg+xml", "cache-control": "public, max-age=31557600" }).end(body);
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else sendJson(response, { error: String(error) }, 400);
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP listener");
  return address.port;
}
