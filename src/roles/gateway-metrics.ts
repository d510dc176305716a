/**
 * The gateway's counters for Prometheus. They live in shared memory and are read at each scrape.
 */
import type { Registry } from "prom-client";
import { METRICS } from "../adapters/metrics.ts";
import { DURATION_BUCKETS_SECONDS, GATEWAY_EVENTS, STALE_BUCKETS_SECONDS } from "../gateway/telemetry-layout.ts";
import type { GatewayCounters, Histogram } from "../gateway/telemetry-reader.ts";

type Labels = Readonly<Record<string, string>>;

/** Exposition text (Prometheus 0.0.4) of the counters; appended to the registry's own. */
export function gatewayMetricsText(counters: GatewayCounters, app: string): string {
  const requests = counters.requests.filter((one) => one.count > 0).map(({ route, method, status, count }) => line("http_requests_total", { app, method, route, status }, count));
  const durations = counters.durations.filter((one) => total(one) > 0).flatMap((one) => histogram("http_request_duration_seconds", { app, route: one.route }, DURATION_BUCKETS_SECONDS, one));
  const cache = counters.cache.filter((one) => one.count > 0).map(({ route, result, count }) => line("shopkeeper_cache_requests_total", { route, result }, count));
  // Zero too: a set so small is there from the start, so that the first one is an increase.
  const events = GATEWAY_EVENTS.map((event) => line("shopkeeper_gateway_events_total", { event }, counters.events[event]));
  const stale = histogram("shopkeeper_stale_age_seconds", {}, STALE_BUCKETS_SECONDS, counters.staleAge);
  return [
    ...family("http_requests_total", "counter", requests),
    ...family("http_request_duration_seconds", "histogram", durations),
    ...family("shopkeeper_cache_requests_total", "counter", cache),
    ...family("shopkeeper_gateway_events_total", "counter", events),
    ...family("shopkeeper_stale_age_seconds", "histogram", stale),
    "",
  ].join("\n");
}

function family(name: keyof typeof METRICS, type: "counter" | "histogram", lines: readonly string[]): readonly string[] {
  return [`# HELP ${name} ${METRICS[name].help}`, `# TYPE ${name} ${type}`, ...lines];
}

/** Cumulative buckets, as Prometheus has them. */
function histogram(name: string, labels: Labels, bounds: readonly number[], values: Histogram): readonly string[] {
  let seen = 0;
  const buckets = [...bounds.map(String), "+Inf"].map((le, at) => {
    seen += values.counts[at] ?? 0;
    return line(`${name}_bucket`, { ...labels, le }, seen);
  });
  return [...buckets, line(`${name}_sum`, labels, values.sumSeconds), line(`${name}_count`, labels, seen)];
}

function total(values: Histogram): number {
  return values.counts.reduce((sum, count) => sum + count, 0);
}

function line(name: string, labels: Labels, value: number): string {
  const inside = Object.entries(labels).map(([key, text]) => `${key}="${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`);
  return `${name}${inside.length === 0 ? "" : `{${inside.join(",")}}`} ${value}`;
}

/** Everything the process exports: the engine's registry, then the gateway's counters. */
export async function metricsText(registry: Registry, counters: GatewayCounters | null, app: string): Promise<{ readonly text: string; readonly contentType: string }> {
  const own = await registry.metrics();
  return { text: counters === null ? own : own + gatewayMetricsText(counters, app), contentType: registry.contentType };
}
