/**
 * The gateway's own composition root, in its thread.
 *
 * An uncaught error ends the thread with the error told to the main thread, which starts
 * another: nothing is caught here to go on in an unknown state.
 */
import { isIPv6 } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { createMemoryCopies } from "./adapters/memory-copies.ts";
import { createOpossumBreaker } from "./adapters/opossum-breaker.ts";
import { createSystemRandom } from "./adapters/system-random.ts";
import { createThreadClock } from "./adapters/thread-clock.ts";
import { createLeanHttp } from "./adapters/lean-http.ts";
import type { GatewayConfig } from "./config/config.ts";
import type { BreakerName } from "./core/breaker.ts";
import type { GatewayPreset } from "./core/preset.ts";
import type { Ms } from "./core/time.ts";
import { createIngress, type Ingress } from "./gateway/ingress.ts";
import { PRESETS } from "./gateway/presets/index.ts";
import { routeNames } from "./gateway/request-guard.ts";
import { openTelemetry } from "./gateway/telemetry.ts";
import { createTrial } from "./gateway/trial.ts";
import { bootOf, openWorkerLink, type WorkerAhead, type WorkerBoot, type WorkerLink } from "./gateway/worker-link.ts";
import type { WorkerSetup } from "./gateway/worker-setup.ts";
import type { Breaker, Trial } from "./ports/breaker.ts";

/** Deadline of a page where no route says one. */
const FIRST_BYTE_MS: Ms = 5_000;

if (parentPort === null) throw new Error("gateway-worker.ts runs as a worker thread only");
rehearse();
const boot = await bootOf(workerData as WorkerBoot | WorkerAhead);
const setup = boot.setup as WorkerSetup;
const { gateway, upstream } = setup;
const preset = presetOf(gateway);

const clock = createThreadClock(setup.clock);
const random = createSystemRandom();
const http = createLeanHttp({ clock });
const telemetry = openTelemetry(boot.telemetry, routeNames(gateway));
const copies = createMemoryCopies({ totalBytes: gateway.copyBytes, entryBytes: gateway.copyBytesPerEntry });
const ingressApp = openBreaker("ingress:app", createTrial(http, upstream, preset));
// No egress traffic yet: only holds move it.
const egressStorefront = openBreaker("egress:storefront", null);
const link: WorkerLink = openWorkerLink({
  port: parentPort,
  clock,
  telemetry,
  copies,
  breakers: { "ingress:app": ingressApp, "egress:storefront": egressStorefront },
});
let ingress: Ingress | null = null;
let appIsUp = false;

link.run({
  async start(port) {
    ingress = createIngress({
      config: { ...gateway, listen: { ...gateway.listen, port } },
      preset,
      upstream,
      breakers: { ingressApp, egressStorefront },
      copies: link.copies,
      telemetry,
      quarantine: link.quarantine,
      clock,
      storefront: link.storefront,
      bypass: link.bypass,
      trouble: link.trouble,
      filled: link.filled,
    });
    const got = await ingress.listen();
    if (appIsUp) ingress.warm();
    return got;
  },
  appUp() {
    appIsUp = true;
    ingress?.warm();
  },
  async drain(within) {
    await ingress?.drain(within);
    await http.close();
  },
});

/** What Node loads and compiles when it first listens or draws a nonce, and the first buyer would wait for: done while this thread waits for its orders. */
function rehearse(): void {
  for (const name of ["node:cluster", "node:crypto", "node:dns"]) process.getBuiltinModule(name);
  isIPv6("::1");
}

/** The preset with what the configuration adds to it. */
function presetOf({ preset: name, routes, never, ignoreCookies, neutralisedCookies, personalCookies, dropQuery, errorMarks, warm }: GatewayConfig): GatewayPreset {
  const shipped = PRESETS[name];
  if (shipped === undefined) throw new Error(`there is no preset "${name}"`);
  return { ...shipped, routes, never, ignoreCookies, neutralisedCookies, personalCookies, dropQuery, errorMarks, warm };
}

function openBreaker(name: BreakerName, trial: Trial | null): Breaker {
  const { errorThresholdPercent, windowMs, volumeThreshold, consecutiveFailures, resetMs, maxResetMs } = gateway.breaker;
  return createOpossumBreaker({
    name,
    errorThresholdPercent,
    windowMs,
    volumeThreshold,
    consecutiveFailures,
    resetMs,
    maxResetMs,
    deadline: pageDeadline(gateway),
    trial,
    clock,
    random,
    onChange: (change) => link.breakerChanged(change),
  });
}

/** The normal deadline that a trial gets a quarter of: the first page route's. */
function pageDeadline({ routes }: GatewayConfig): Ms {
  return routes.find(({ mode, firstByte }) => mode === "page" && firstByte > 0)?.firstByte ?? FIRST_BYTE_MS;
}
