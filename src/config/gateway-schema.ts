/** `gateway:` of `shopkeeper.yaml` as a schema. */
import * as z from "zod";
import { duration, listen, pathGlob, percent, size, slug, urlPath } from "./values.ts";

const DAY = 86_400_000;

/** A preset's route changed, or a route of one's own; what is absent is the preset's, or the default. */
const route = z.strictObject({
  match: pathGlob().optional().describe("Glob on the path; required for a route the preset does not have."),
  mode: z.enum(["page", "asset", "pass", "never"]).optional().describe("page: stored copies of rendered pages; asset: stored copies of files that say `immutable`; pass: forwarded; never: forwarded, never stored, warmed or retried."),
  ttl: duration({ max: 30 * DAY }).optional().describe("Fresh for this long."),
  stale_while_revalidate: duration({ max: 30 * DAY }).optional().describe("Served stale for this long while a refresh runs."),
  stale_if_error: duration({ max: 30 * DAY }).optional().describe("Served for this long when the application fails."),
  query: z.array(z.string().min(1)).max(32).optional().describe("Query parameters that are part of the key; others are dropped."),
  first_byte: duration({ min: 50, max: 300_000 }).optional().describe("Deadline of the first byte."),
  body_idle: duration({ min: 50, max: 300_000 }).optional().describe("Longest silence within a body."),
  whole: duration({ max: DAY }).optional().describe('Deadline of the whole exchange; "0s": none.'),
});

const breaker = z.strictObject({
  error_threshold: percent({ min: 1 }).prefault("50%").describe("Opens above this share of failures."),
  window: duration({ min: 1_000, max: 600_000 }).prefault("10s").describe("What the share is counted over."),
  volume_threshold: z.int().min(1).prefault(20).describe("Completed calls in the window before the share counts."),
  consecutive_failures: z.int().min(1).prefault(5).describe("Opens after so many failures in a row."),
  reset: duration({ min: 100 }).prefault("30s").describe("Open for this long before the trials."),
  max_reset: duration({ min: 100 }).prefault("300s").describe("Doubles up to this with each failed trial."),
});

const names = () => z.array(z.string().min(1).max(200)).max(256).prefault([]);

export const gatewaySchema = z.strictObject({
  preset: z.string().min(1).prefault("hydrogen-react-router").describe("What it knows of the framework."),
  listen: listen().prefault("0.0.0.0:8080").describe("Where buyers come in."),
  target: slug().optional().describe("The target behind it; default: the only one."),
  hosts: names().describe("Hosts answered; empty: any. Others get 421."),
  routes: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, { error: 'expected a name of lower-case letters, digits or "_"' }), route).prefault({}).describe("Laid over the preset's routes by name; new ones are tried first."),
  never: z.array(pathGlob()).max(256).prefault([]).describe("More paths never stored, probed, warmed or retried."),
  ignore_cookies: names().describe("More cookies that do not make a request personal."),
  personal_cookies: names().describe("More cookies whose bearers never get the anonymous copy."),
  drop_query: names().describe("More query parameters dropped before forwarding."),
  error_marks: names().describe("More texts that mark a page as broken."),
  trusted_hops: z.int().min(0).max(16).prefault(0).describe("Proxies in front whose X-Forwarded-For is believed."),
  workers: z.int().min(1).max(64).prefault(1).describe("Threads of the gateway."),
  copies: z
    .strictObject({
      max_size: size({ min: 1_000_000 }).prefault("64MiB").describe("All copies in memory."),
      max_entry: size({ min: 10_000 }).prefault("2MiB").describe("Larger pages are not stored."),
    })
    .prefault({}),
  warm: z.array(urlPath()).max(1_000).prefault([]).describe("More paths filled at start and kept fresh."),
  max_connections: z.int().min(1).max(1_000_000).prefault(10_000).describe("Open connections at once."),
  breaker: breaker.prefault({}),
});

export type GatewayInput = z.output<typeof gatewaySchema>;
