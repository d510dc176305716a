/** A small closed world for the configuration's tests: kinds of looks, remedies and one preset. */
import * as z from "zod";
import type { Catalogues, ProbeKind } from "../../src/config/catalogue.ts";
import { duration } from "../../src/config/values.ts";
import type { GatewayPreset, RouteSpec } from "../../src/core/preset.ts";

const http: ProbeKind = {
  name: "http",
  summary: "Asks a route.",
  schema: z.object({ method: z.enum(["GET", "HEAD"]).prefault("GET"), url: z.string().optional() }),
  assertions: {
    http_status: { value: "status", severity: "fail", example: "200 OK" },
    response_time: { value: "duration", severity: "warn", example: "< 500ms" },
    memory_usage: { value: "percent", severity: "warn", example: "< 80%" },
    cpu_usage: { value: "percent", severity: "warn", example: "< 90%" },
  },
  families: { header: { value: "text", severity: "fail", example: "application/json" } },
  scope: "target",
  remote: true,
  inactiveWhen: () => null,
};

const page: ProbeKind = {
  name: "page",
  summary: "Reads a rendered page.",
  schema: z.object({
    page: z.string().prefault("/"),
    must_contain: z.array(z.string()).prefault([]),
    must_not_contain: z.array(z.string()).prefault([]),
  }),
  assertions: { http_status: { value: "status", severity: "fail", example: "200 OK" } },
  scope: "target",
  remote: true,
  inactiveWhen: () => null,
};

const storefrontApi: ProbeKind = {
  name: "storefront_api",
  summary: "Asks the Storefront API.",
  schema: z.object({}),
  assertions: {
    storefront_api: { value: "word", severity: "fail", words: ["reachable"], example: "reachable" },
    api_latency: { value: "duration", severity: "warn", example: "< 200ms" },
    rate_limit_remaining: { value: "percent", severity: "warn", example: "> 20%" },
  },
  scope: "site",
  remote: (site) => site.storefront !== null,
  inactiveWhen: (site) => (site.storefront === null ? "no storefront is configured" : null),
};

const dependencies: ProbeKind = {
  name: "dependencies",
  summary: "Looks at what the storefront leans on.",
  schema: z.object({}),
  assertions: {
    redis: { value: "word", severity: "fail", words: ["connected"], example: "connected", inactiveWhen: (site) => (site.redis === null ? "no Redis is configured" : null) },
    cdn: { value: "word", severity: "fail", words: ["reachable"], example: "reachable", inactiveWhen: () => "no CDN is configured" },
  },
  scope: "site",
  remote: true,
  inactiveWhen: () => null,
};

const sidecar: ProbeKind = {
  name: "sidecar",
  summary: "Asks the sidecar of each pod.",
  schema: z.object({}),
  assertions: { sidecar: { value: "word", severity: "fail", words: ["reachable"], example: "reachable" } },
  scope: "target",
  targetKinds: [],
  remote: true,
  inactiveWhen: () => null,
};

const ROUTE: RouteSpec = { name: "home", match: "/", mode: "page", ttl: 300_000, staleWhileRevalidate: 86_400_000, staleIfError: 86_400_000, query: [], firstByte: 5_000, bodyIdle: 10_000, whole: 60_000 };

const preset: GatewayPreset = {
  name: "hydrogen-react-router",
  routes: [ROUTE, { ...ROUTE, name: "product", match: "/products/*" }, { ...ROUTE, name: "other", match: "/**", mode: "pass" }],
  never: ["/cart", "/cart/**", "/account/**"],
  ignoreCookies: ["_shopify_*"],
  neutralisedCookies: ["cart"],
  personalCookies: ["session"],
  dropQuery: ["utm_*"],
  errorMarks: ['class="route-error"'],
  wholeMarks: ["</html>"],
  botAgents: null,
  agents: { browser: "Mozilla/5.0", bot: "bot" },
  keepServerTiming: [],
  dropRequestHeaders: [],
  neutraliseStyle: null,
  buildId: null,
  warm: ["/"],
  page: { path: "/", mustContain: ["</html>"], mustNotContain: ['class="route-error"'] },
};

export const catalogues: Catalogues = {
  probes: { http, page, storefront_api: storefrontApi, dependencies, sidecar },
  remedies: {
    restart_process: { name: "restart_process", summary: "Restarts.", schema: z.strictObject({}) },
    run_command: { name: "run_command", summary: "Runs.", schema: z.strictObject({ command: z.array(z.string()).min(1), deadline: duration().prefault("10s") }) },
    alert: { name: "alert", summary: "Tells.", schema: z.strictObject({ route: z.string() }) },
    hold_breaker: {
      name: "hold_breaker",
      summary: "Holds.",
      schema: z.strictObject({ breaker: z.enum(["ingress:app", "egress:storefront"]), position: z.enum(["open", "closed"]).prefault("open"), for: duration({ min: 1_000 }).prefault("30s") }),
    },
  },
  presets: { "hydrogen-react-router": preset },
};
