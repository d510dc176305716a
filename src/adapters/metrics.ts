/**
 * Every metric Shopkeeper's engine exports, on the registry it is given. Label values
 * come from closed sets or from the configuration.
 */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { BreakerName, BreakerPosition } from "../core/breaker.ts";
import type { CheckVerdict } from "../core/check-state.ts";
import { WORKER_LOSSES, type WorkerLoss } from "../core/gateway-view.ts";
import type { Ms } from "../core/time.ts";

/** Name, help and labels of every metric; the README's table is compared with it. */
export const METRICS = {
  shopkeeper_check_status: { help: "Verdict of a check: 0 healthy, 1 degraded, 2 unhealthy, 3 unknown. The worst of its targets.", labels: ["check"] },
  shopkeeper_check_duration_seconds: { help: "Time from the start of a look to its observation, timeouts included.", labels: ["check"] },
  shopkeeper_decisions_total: { help: "Decisions on what a policy proposed, holds included.", labels: ["policy", "decision", "reason"] },
  shopkeeper_actions_total: { help: "Actions by what became of them.", labels: ["action", "outcome"] },
  shopkeeper_breaker_state: { help: "What requests meet: 0 closed, 1 open, 2 half-open.", labels: ["breaker"] },
  shopkeeper_leader: { help: "1 while this process may act.", labels: [] },
  shopkeeper_event_loop_delay_seconds: { help: "Delay of the main thread's event loop since the last scrape, 99th percentile.", labels: [] },
  shopkeeper_quarantined_classes: { help: "Classes of requests that are not forwarded, since they were in flight at two deaths of the application.", labels: [] },
  shopkeeper_gateway_workers_lost_total: { help: "Workers of the gateway that were lost and replaced.", labels: ["reason"] },
  shopkeeper_cache_requests_total: { help: "Buyers' requests by what the copies did for them.", labels: ["route", "result"] },
  shopkeeper_gateway_events_total: { help: "What happened in the gateway, whatever the route.", labels: ["event"] },
  shopkeeper_stale_age_seconds: { help: "Age of copies served past their freshness.", labels: [] },
  http_requests_total: { help: "Buyers' requests by what they got.", labels: ["app", "method", "route", "status"] },
  http_request_duration_seconds: { help: "Time from a buyer's request to the end of its answer.", labels: ["app", "route"] },
  cdn_requests_total: { help: "Answers to our looks at the CDN that were hits or misses; what it never caches and what it does not tell are left out.", labels: [] },
  cdn_cache_hits: { help: "Of cdn_requests_total, those that the CDN served from its cache.", labels: [] },
} as const;

export type MetricName = keyof typeof METRICS;

const CHECK_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const VERDICT_VALUE: Readonly<Record<CheckVerdict, number>> = { healthy: 0, degraded: 1, unhealthy: 2, unknown: 3 };
const BREAKER_VALUE: Readonly<Record<BreakerPosition, number>> = { closed: 0, open: 1, half_open: 2 };

export type EngineMetrics = ReturnType<typeof createEngineMetrics>;

/** The engine's own metrics; the gateway's counters live in shared memory and are added at each scrape. */
export function createEngineMetrics(registry: Registry) {
  const gauge = <Name extends MetricName>(name: Name): Gauge<(typeof METRICS)[Name]["labels"][number]> =>
    new Gauge({ name, help: METRICS[name].help, labelNames: [...METRICS[name].labels], registers: [registry] });
  const counter = <Name extends MetricName>(name: Name): Counter<(typeof METRICS)[Name]["labels"][number]> =>
    new Counter({ name, help: METRICS[name].help, labelNames: [...METRICS[name].labels], registers: [registry] });
  const checkStatus = gauge("shopkeeper_check_status");
  const breakerState = gauge("shopkeeper_breaker_state");
  const leader = gauge("shopkeeper_leader");
  const loopDelay = gauge("shopkeeper_event_loop_delay_seconds");
  const quarantined = gauge("shopkeeper_quarantined_classes");
  const cdnRequests = counter("cdn_requests_total");
  const cdnHits = counter("cdn_cache_hits");
  const workersLost = counter("shopkeeper_gateway_workers_lost_total");
  // From the start, so that the first loss is an increase.
  for (const reason of WORKER_LOSSES) workersLost.inc({ reason }, 0);
  return {
    checkStatus: (check: string, verdict: CheckVerdict) => checkStatus.set({ check }, VERDICT_VALUE[verdict]),
    breakerState: (breaker: BreakerName, position: BreakerPosition) => breakerState.set({ breaker }, BREAKER_VALUE[position]),
    quarantined: (classes: number) => quarantined.set(classes),
    workerLost: (reason: WorkerLoss) => workersLost.inc({ reason }),
    cdnAnswered: (requests: number, hits: number) => {
      cdnRequests.inc(requests);
      cdnHits.inc(hits);
    },
    leader: (leads: boolean) => leader.set(leads ? 1 : 0),
    /** Below zero counts as zero: a loop is never early. */
    loopDelay: (delay: Ms) => loopDelay.set(Math.max(0, delay) / 1_000),
    checkTook: lookDurations(registry),
    decisions: counter("shopkeeper_decisions_total"),
    actions: counter("shopkeeper_actions_total"),
  };
}

/** Durations that wait to be counted, at most, of each check. */
const MAX_WAITING = 1_000;

/**
 * How long looks took. Counted at the scrape, or a thousand at once: the histogram checks and
 * hashes labels each time, which costs more than judging the look when it is done between two others.
 */
function lookDurations(registry: Registry): (check: string, took: Ms) => void {
  const waiting = new Map<string, Ms[]>();
  const count = (check: string, durations: Ms[]): void => {
    for (const took of durations.splice(0)) histogram.observe({ check }, took / 1_000);
  };
  const histogram = new Histogram({
    name: "shopkeeper_check_duration_seconds",
    help: METRICS.shopkeeper_check_duration_seconds.help,
    labelNames: ["check"],
    buckets: CHECK_BUCKETS,
    registers: [registry],
    collect: () => waiting.forEach((durations, check) => count(check, durations)),
  });
  return (check, took) => {
    const durations = waiting.get(check) ?? [];
    waiting.set(check, durations);
    if (durations.push(took) >= MAX_WAITING) count(check, durations);
  };
}
