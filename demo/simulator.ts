/**
 * A Storefront API to break: answers the demo storefront's queries from a small
 * catalogue, and fails on command.
 *
 *   node demo/simulator.ts --port 4100
 *
 * POST /api/<version>/graphql.json   the API
 * PUT  /__sim/fault {"kind": …}      "status" (503), "throttled", "hang"
 * DELETE /__sim/fault                well again
 */
import http from "node:http";
import { parseArgs } from "node:util";
import { PRODUCTS } from "./catalogue.ts";

export type Fault = { readonly kind: "none" } | { readonly kind: "status"; readonly status: number } | { readonly kind: "throttled" } | { readonly kind: "hang" };

const { values } = parseArgs({ options: { port: { type: "string", default: "4100" } } });
let fault: Fault = { kind: "none" };

/** The few operations the demo storefront asks, answered as the real API shapes them. */
function answer(query: string, variables: Record<string, unknown>): unknown {
  if (query.includes("product(handle")) return { data: { product: PRODUCTS.find((one) => one.handle === variables["handle"]) ?? null } };
  if (query.includes("products(first")) return { data: { products: { nodes: PRODUCTS } } };
  return { data: { shop: { name: "Demo Outfitters" } } };
}

async function read(request: http.IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > 65_536) throw new Error("body over 64 KB");
  }
  return text;
}

function json(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", "x-shopify-api-version": "2026-04" });
  response.end(JSON.stringify(body));
}

async function graphql(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const { query, variables } = JSON.parse(await read(request)) as { query: string; variables?: Record<string, unknown> };
  switch (fault.kind) {
    case "hang":
      return;
    case "status":
      return json(response, fault.status, { errors: [{ message: "Service Unavailable" }] });
    case "throttled":
      return json(response, 200, { errors: [{ message: "Throttled", extensions: { code: "THROTTLED" } }] });
    case "none":
      return json(response, 200, answer(query, variables ?? {}));
  }
}

async function admin(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  fault = request.method === "DELETE" ? { kind: "none" } : (JSON.parse(await read(request)) as Fault);
  json(response, 200, fault);
}

const server = http.createServer((request, response) => {
  const work = request.url?.startsWith("/__sim/") === true ? admin(request, response) : graphql(request, response);
  work.catch((error: unknown) => json(response, 400, { errors: [{ message: String(error) }] }));
});
server.listen(Number(values.port), "127.0.0.1", () => process.stdout.write(`storefront api simulator on ${values.port}\n`));
process.on("SIGTERM", () => process.exit(0));
