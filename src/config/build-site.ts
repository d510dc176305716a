/** From the file's words to the configuration's: `shopkeeper.yaml`, once it is known to be right. */
import { resolve } from "node:path";
import type { Window } from "../core/policy.ts";
import type { GuardSettings } from "../core/scene.ts";
import type { TargetKind } from "../core/target.ts";
import type { Catalogues } from "./catalogue.ts";
import type { Config, GatewayConfig, Listen, SupervisedProcess, TargetConfig } from "./config.ts";
import { buildRegions } from "./build-regions.ts";
import { buildCluster, buildPods } from "./cluster-schema.ts";
import { isLoopback } from "./loopback.ts";
import { mergeRoutes } from "./relate-site.ts";
import { Secret } from "./secret.ts";
import { DAYS, type SiteInput } from "./site-schema.ts";

/** Everything but checks and policies. */
export type SiteConfig = Omit<Config, "checks" | "policies">;

/** @param folder absolute folder of shopkeeper.yaml; relative paths are resolved against it. */
export function buildSite(input: SiteInput, folder: string, catalogues: Catalogues): SiteConfig {
  return {
    site: input.site,
    role: input.role,
    folder,
    targets: Object.entries(input.targets).map(([id, target]) => buildTarget(id, target, folder)),
    storefront:
      input.storefront === undefined
        ? null
        : {
            origin: input.storefront.origin,
            apiVersion: input.storefront.api_version,
            publicToken: input.storefront.public_token ?? null,
            privateToken: input.storefront.private_token ?? null,
          },
    redis: input.redis ?? null,
    gateway: buildGateway(input, catalogues),
    listeners: { health: input.listeners.health, admin: offOr(input.listeners.admin), public: offOr(input.listeners.public) },
    connectivity: input.connectivity,
    stores: { state: buildState(input, folder) },
    cluster: input.role === "singleton" ? buildCluster(input.kubernetes, (path) => resolve(folder, path)) : null,
    regions: buildRegions(input),
    ledger: { maxAge: input.ledger.max_age, maxBytes: input.ledger.max_size },
    alerts: Object.entries(input.alerts).map(([name, route]) => ({ name, severity: route.severity, url: route.url, signingKey: route.signing_key ?? null })),
    tokens: Object.entries(input.tokens).map(([name, token]) => ({ name, role: token.role, value: token.value })),
    peerToken: input.peer_token ?? null,
    peers: input.peers ?? null,
    windows: Object.entries(input.windows).map(([name, window]) => buildWindow(name, window, input.time_zone)),
    budget: { actionsPerMinute: input.budget.actions_per_minute },
    guards: buildGuards(input.guards),
    timeZone: input.time_zone,
  };
}

const offOr = (at: "off" | Listen): Listen | null => (at === "off" ? null : at);

function buildTarget(id: string, input: SiteInput["targets"][string], folder: string): TargetConfig {
  const kind = kindOf(input);
  const url = input.url ?? `http://${input.kubernetes?.service ?? id}`;
  return {
    id,
    kind,
    workload: input.kubernetes === undefined ? (input.workload ?? id) : (input.kubernetes.deployment ?? input.kubernetes.service),
    ...(input.zone === undefined ? {} : { zone: input.zone }),
    ...(input.region === undefined ? {} : { region: input.region }),
    url,
    process: input.process === undefined ? null : buildProcess(input.process, folder),
    unit: input.unit ?? null,
    cgroup: input.cgroup ?? null,
    pulse: kind !== "workload" && (input.pulse ?? (kind !== "origin" || isLoopback(url))),
    startupGrace: input.startup_grace,
    pods: input.kubernetes === undefined ? null : buildPods(input.kubernetes),
  };
}

function kindOf({ kubernetes, process, unit }: SiteInput["targets"][string]): TargetKind {
  if (kubernetes !== undefined) return "workload";
  if (process !== undefined) return "process";
  return unit === undefined ? "origin" : "systemd";
}

/** A singleton's disk dies with its pod. */
function buildState({ role, stores: { state } }: SiteInput, folder: string): SiteConfig["stores"]["state"] {
  const kind = state.kind ?? (role === "singleton" ? "kubernetes" : "sqlite");
  if (kind === "sqlite") return { kind, file: resolve(folder, state.file) };
  // That it is there is checked before.
  return kind === "redis" ? { kind, url: state.url ?? "" } : { kind };
}

function buildProcess(input: NonNullable<SiteInput["targets"][string]["process"]>, folder: string): SupervisedProcess {
  const [program = "", ...rest] = input.command;
  return {
    command: [program, ...rest],
    cwd: resolve(folder, input.cwd),
    env: Object.fromEntries(Object.entries(input.env).map(([name, value]) => [name, value instanceof Secret ? value : String(value)])),
    logFile: input.log_file === undefined ? null : resolve(folder, input.log_file),
    stopGrace: input.stop_grace,
    onExit: input.on_exit,
  };
}

function buildGateway(input: SiteInput, catalogues: Catalogues): GatewayConfig | null {
  const gateway = input.gateway;
  const preset = gateway === undefined ? undefined : catalogues.presets[gateway.preset];
  if (gateway === undefined || preset === undefined) return null;
  return {
    preset: gateway.preset,
    listen: gateway.listen,
    target: gateway.target ?? Object.keys(input.targets)[0] ?? "",
    hosts: gateway.hosts,
    routes: mergeRoutes(preset, gateway),
    never: [...preset.never, ...gateway.never],
    ignoreCookies: [...preset.ignoreCookies, ...gateway.ignore_cookies],
    neutralisedCookies: preset.neutralisedCookies,
    personalCookies: [...preset.personalCookies, ...gateway.personal_cookies],
    dropQuery: [...preset.dropQuery, ...gateway.drop_query],
    errorMarks: [...preset.errorMarks, ...gateway.error_marks],
    trustedHops: gateway.trusted_hops,
    workers: gateway.workers,
    copyBytes: gateway.copies.max_size,
    copyBytesPerEntry: gateway.copies.max_entry,
    warm: [...new Set([...preset.warm, ...gateway.warm])],
    maxConnections: gateway.max_connections,
    breaker: {
      errorThresholdPercent: gateway.breaker.error_threshold,
      windowMs: gateway.breaker.window,
      volumeThreshold: gateway.breaker.volume_threshold,
      consecutiveFailures: gateway.breaker.consecutive_failures,
      resetMs: gateway.breaker.reset,
      maxResetMs: gateway.breaker.max_reset,
    },
  };
}

function buildWindow(name: string, input: SiteInput["windows"][string], timeZone: string): Window {
  return { name, days: input.days.map((day) => DAYS.indexOf(day)), fromMinute: input.from, toMinute: input.to, timeZone: input.time_zone ?? timeZone };
}

function buildGuards(input: SiteInput["guards"]): GuardSettings {
  return {
    evidence: input.evidence,
    kubelet: input.kubelet,
    blastRadius: input.blast_radius / 100,
    stormTargets: input.storm_targets,
    stormShare: input.storm_share / 100,
    stormCalm: input.storm_calm,
    throttled: input.throttled,
    relapse: input.relapse,
    backoffFrom: input.backoff_from,
    backoffTo: input.backoff_to,
    cannotSeeAfter: input.cannot_see_after,
  };
}
