/**
 * The sidecars of many pods in one process: all of 127/8 at one port, each address a pod of its own.
 *
 *   node bench/support/sidecar-farm.ts PORT PEER_TOKEN
 *
 * `/bench/failing?percent=30` makes so many of a hundred fail; `/bench/forget` and `/bench/seen` count how many
 * pods were asked.
 */
import http from "node:http";
import type { Socket } from "node:net";
import { podNumber } from "./farm.ts";

const [port = "0", token = ""] = process.argv.slice(2);
const CHECKS = ["application", "page", "dependencies", "shopify_api", "memory"];
const seen = new Set<number>();
const numbers = new WeakMap<Socket, number>();
let percent = 0;

/** As server/health-body.ts writes it for whoever brings the peer token. */
function bodyOf(failing: boolean): string {
  const now = Date.now();
  const look = (check: string): object => {
    const ill = failing && check === "application";
    const level = ill ? "fail" : "pass";
    const trouble = ill ? { cause: "status", output: "answered 500, expected 200 OK" } : {};
    return {
      componentId: "app", componentType: "component", status: level, verdict: ill ? "unhealthy" : "healthy", at: now, time: new Date(now).toISOString(), observedValue: 12.4, observedUnit: "ms",
      run: { level, count: 30, since: now - 300_000 }, seen: level, ...trouble, facts: { response_time: 12.4, memory_usage: 41.5, cpu_usage: 20 },
    };
  };
  const status = failing ? "fail" : "pass";
  return JSON.stringify({ status, verdict: failing ? "unhealthy" : "healthy", ready: true, copies: 120, version: "bench", breakers: [], checks: Object.fromEntries(CHECKS.map((check) => [check, [look(check)]])) });
}

let bodies = { well: bodyOf(false), ill: bodyOf(true) };
setInterval(() => (bodies = { well: bodyOf(false), ill: bodyOf(true) }), 1_000);

function numberOf(socket: Socket): number {
  const known = numbers.get(socket);
  if (known !== undefined) return known;
  const number = podNumber(socket.localAddress ?? "");
  numbers.set(socket, number);
  return number;
}

function told({ pathname, searchParams }: URL): string {
  if (pathname === "/bench/failing") percent = Number(searchParams.get("percent"));
  if (pathname === "/bench/forget") seen.clear();
  return String(seen.size);
}

const server = http.createServer((request, response) => {
  if (request.url?.startsWith("/bench/") === true) return void response.end(told(new URL(request.url, "http://farm")));
  const number = numberOf(request.socket);
  seen.add(number);
  const failing = number % 100 < percent;
  const body = request.headers.authorization === `Bearer ${token}` ? (failing ? bodies.ill : bodies.well) : '{"status":"pass"}';
  response.writeHead(failing ? 503 : 200, { "content-type": "application/health+json", "content-length": Buffer.byteLength(body) }).end(body);
});
server.keepAliveTimeout = 65_000;
server.listen(Number(port), "0.0.0.0", 1_024);
process.on("SIGTERM", () => process.exit(0));
