/**
 * A gateway worker as small as can be: the real link, telemetry, copies and breaker, and an
 * HTTP server whose paths do what the host has to survive.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { createMemoryCopies } from "../../src/adapters/memory-copies.ts";
import { createOpossumBreaker } from "../../src/adapters/opossum-breaker.ts";
import { createSystemRandom } from "../../src/adapters/system-random.ts";
import { createThreadClock } from "../../src/adapters/thread-clock.ts";
import type { BreakerName } from "../../src/core/breaker.ts";
import { openTelemetry } from "../../src/gateway/telemetry.ts";
import { openWorkerLink, type WorkerBoot, type WorkerLink } from "../../src/gateway/worker-link.ts";
import type { Breaker } from "../../src/ports/breaker.ts";
import type { ClockMark } from "../../src/ports/clock.ts";
import { copyOf } from "../contract/copy-store.ts";

/** What the tests hand to the tiny worker. */
export type TinySetup = { readonly routes: readonly string[]; readonly clock: ClockMark };

if (parentPort === null) throw new Error("runs as a worker only");
const port = parentPort;
const { telemetry: memory, setup } = workerData as WorkerBoot;
const { routes, clock: mark } = setup as TinySetup;

const clock = createThreadClock(mark);
const telemetry = openTelemetry(memory, routes);
const breaker = (name: BreakerName): Breaker =>
  createOpossumBreaker({
    name,
    errorThresholdPercent: 50,
    windowMs: 10_000,
    volumeThreshold: 20,
    consecutiveFailures: 5,
    resetMs: 30_000,
    maxResetMs: 300_000,
    deadline: 5_000,
    trial: () => Promise.resolve(true),
    clock,
    random: createSystemRandom(),
    onChange: (change) => link.breakerChanged(change),
  });
const breakers = { "ingress:app": breaker("ingress:app"), "egress:storefront": breaker("egress:storefront") };
const link: WorkerLink = openWorkerLink({ port, clock, telemetry, copies: createMemoryCopies({ totalBytes: 1 << 20, entryBytes: 1 << 19 }), breakers });

let appIsUp = false;
const server = createServer({ keepAlive: false }, (request, response) => {
  const token = telemetry.arrived(clock.now());
  response.once("finish", () => telemetry.answered(token, 0, "GET", 200, clock.now(), 0));
  response.setHeader("connection", "close");
  answer(request, response);
});

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://tiny");
  const name = searchParams.get("name") ?? "";
  switch (pathname) {
    case "/put":
      return void response.end(link.copies.put(copyOf(name, { size: Number(searchParams.get("size") ?? 1_000) })).kind);
    case "/delete":
      link.copies.delete(name);
      return void response.end();
    case "/copy": {
      const copy = link.copies.get(name);
      // Straight from shared memory: node:http takes a Buffer over it.
      return void response.end(copy === null ? "none" : Buffer.from(copy.body));
    }
    case "/crash":
      throw new Error("crashed as asked");
    case "/exit":
      process.exit(3);
    // eslint-disable-next-line no-fallthrough -- process.exit ends this thread
    case "/stuck":
      for (;;);
    case "/send":
      telemetry.sent(name, clock.now());
      return void response.end();
    case "/fail":
      for (let call = 0; call < 5; call += 1) breakers["ingress:app"].record(breakers["ingress:app"].begin(), "failure", false);
      return void response.end();
    case "/trouble":
      for (let call = 0; call < 5; call += 1) link.trouble(name);
      return void response.end();
    case "/filled":
      link.filled({ stored: Number(name), listed: 3 });
      return void response.end();
    default:
      return void response.end(
        JSON.stringify({
          storefront: link.storefront(),
          bypass: link.bypass(),
          admits: breakers["ingress:app"].admits(),
          suspected: link.quarantine.suspects(name),
          copies: link.copies.size(),
          appIsUp,
          clock: clock.now(),
        }),
      );
  }
}

link.run({
  appUp: () => void (appIsUp = true),
  start: (wanted) =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port: wanted, host: "127.0.0.1", reusePort: true }, () => resolve((server.address() as AddressInfo).port));
    }),
  drain: (within) =>
    new Promise((resolve) => {
      const cut = setTimeout(() => server.closeAllConnections(), within);
      server.close(() => {
        clearTimeout(cut);
        resolve();
      });
    }),
});
