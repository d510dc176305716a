/**
 * The one frozen, validated configuration. Everything below was parsed, defaulted
 * and related once, at the border; nobody reads files or the environment after it.
 */
import type { Assertion } from "../core/assertion.ts";
import type { CheckSpec } from "../core/check.ts";
import type { AlertSeverity } from "../core/alert.ts";
import type { LeaseTimes } from "../core/lease.ts";
import type { PolicySpec, Window } from "../core/policy.ts";
import type { RouteSpec } from "../core/preset.ts";
import type { GuardSettings } from "../core/scene.ts";
import type { Target } from "../core/target.ts";
import type { Ms } from "../core/time.ts";
import type { RegionsConfig } from "./regions-config.ts";
import type { Secret } from "./secret.ts";

export type Role = "standalone" | "sidecar" | "singleton" | "witness";

/** A supervised child: how it is started and watched. */
export type SupervisedProcess = {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | Secret>>;
  readonly logFile: string | null;
  /** SIGTERM to SIGKILL. */
  readonly stopGrace: Ms;
  /** When we end gracefully: stop the child too, or leave it running to be adopted. */
  readonly onExit: "stop" | "leave";
};

export type TargetConfig = Target & {
  /** Base URL without a trailing slash: "http://127.0.0.1:3000". */
  readonly url: string;
  readonly process: SupervisedProcess | null;
  /** Name of a systemd unit; at most one of `process` and `unit`. */
  readonly unit: string | null;
  /** cgroup v2 folder whose usage is this target's; null: the supervised process, else none. */
  readonly cgroup: string | null;
  /** Watch for death and freezing between checks; on for targets with a local URL. */
  readonly pulse: boolean;
  /** Restarts are not counted against it for this long after a start. */
  readonly startupGrace: Ms;
  /** It is not one application but the pods of a Service, each a target of its own; null: it is one. */
  readonly pods: PodsConfig | null;
};

/** The pods of a Service. */
export type PodsConfig = {
  readonly service: string;
  /** Of each pod's sidecar, through which checks look; null: there is none, and they ask the application. */
  readonly sidecarPort: number | null;
  /** Of the application. */
  readonly port: number;
};

/** The cluster a singleton stands in. */
export type ClusterConfig = {
  /** null: the access's own. */
  readonly namespace: string | null;
  /** Absolute; null: the service account of its own pod. */
  readonly kubeconfig: string | null;
  readonly lease: { readonly name: string; readonly times: LeaseTimes };
  /** ConfigMaps. */
  readonly state: string;
  readonly ledger: string;
  /** A new leader looks for this long before it acts. */
  readonly watchFirst: Ms;
};

export type StorefrontConfig = {
  /** "https://shop.myshopify.com", or a full URL of a gateway or simulator. */
  readonly origin: string;
  readonly apiVersion: string;
  readonly publicToken: Secret | null;
  readonly privateToken: Secret | null;
};

/** One check's probe: the catalogue's kind, with settings validated by that kind's own schema. */
export type CheckConfig = CheckSpec & {
  readonly probe: string;
  /** The validated settings, opaque to everyone but the probe. */
  readonly settings: unknown;
  /** What is held against what it measures; parts whose dependency is not configured are left out. */
  readonly assertions: readonly Assertion[];
  /** Assertions left out, each with the reason. Shown, never judged. */
  readonly inactiveAssertions: readonly { readonly name: string; readonly reason: string }[];
  /** `endpoint:` as written: the path asked where the probe is `http`; null where absent. */
  readonly endpoint: string | null;
  /** The path under which it is published: "/health/shopify". */
  readonly published: string;
  /** Looks at pods as a whole, not at each. */
  readonly ofWhole: boolean;
  /** The file it came from, for messages. */
  readonly file: string;
  /** What came from the environment or another file, wherever in this one: what its looks say must not repeat it. */
  readonly filled: readonly Secret[];
};

export type PolicyConfig = PolicySpec & { readonly file: string };

export type Listen = { readonly host: string; readonly port: number };

/** A preset's route with the file's own settings laid over it. */
export type RouteConfig = RouteSpec;

export type GatewayConfig = {
  readonly preset: string;
  readonly listen: Listen;
  /** The target behind it. */
  readonly target: string;
  /** Hosts answered; empty: any. Others get 421. */
  readonly hosts: readonly string[];
  /** The file's own routes first, then the preset's; first match wins. */
  readonly routes: readonly RouteConfig[];
  /** Globs never stored, filled, warmed, probed, verified or retried: the preset's and the file's. Matched before any route. */
  readonly never: readonly string[];
  /** Cookie names or globs that do not make a request personal: the preset's and the file's. */
  readonly ignoreCookies: readonly string[];
  /** Cookies of buyers who may be given the anonymous copy in an outage, as the preset has it. */
  readonly neutralisedCookies: readonly string[];
  /** Cookies of buyers who must never be given the anonymous copy: the preset's and the file's. */
  readonly personalCookies: readonly string[];
  /** Query parameters dropped before forwarding on every route: the preset's and the file's. */
  readonly dropQuery: readonly string[];
  /** Texts that mark a page as broken though its status is 200: the preset's and the file's. */
  readonly errorMarks: readonly string[];
  /** Proxies in front of us whose X-Forwarded-For entry is believed, counted from the right. */
  readonly trustedHops: number;
  readonly workers: number;
  readonly copyBytes: number;
  readonly copyBytesPerEntry: number;
  /** Paths filled at start and kept fresh: "/", "/collections". */
  readonly warm: readonly string[];
  /** How many requests may wait at once, and the most connections. */
  readonly maxConnections: number;
  readonly breaker: BreakerConfig;
};

export type BreakerConfig = {
  readonly errorThresholdPercent: number;
  readonly windowMs: Ms;
  readonly volumeThreshold: number;
  readonly consecutiveFailures: number;
  readonly resetMs: Ms;
  readonly maxResetMs: Ms;
};

export type AlertRoute = {
  readonly name: string;
  /** Alerts of this severity that no policy sends elsewhere go to the first route that has it. */
  readonly severity: AlertSeverity;
  /** CloudEvents receiver. The URL may be a secret. */
  readonly url: string | Secret;
  /** HMAC key for the signature header; null: unsigned. */
  readonly signingKey: Secret | null;
};

export type TokenConfig = { readonly name: string; readonly role: "viewer" | "operator" | "approver"; readonly value: Secret };

export type Config = {
  readonly site: string;
  readonly role: Role;
  /** Folder of shopkeeper.yaml, against which paths are resolved. */
  readonly folder: string;
  readonly targets: readonly TargetConfig[];
  readonly storefront: StorefrontConfig | null;
  readonly redis: { readonly url: string | Secret } | null;
  /** null: this role speaks to none. */
  readonly cluster: ClusterConfig | null;
  /** null: it leads buyers nowhere else. */
  readonly regions: RegionsConfig | null;
  readonly checks: readonly CheckConfig[];
  readonly policies: readonly PolicyConfig[];
  readonly gateway: GatewayConfig | null;
  readonly listeners: { readonly health: Listen; readonly admin: Listen | null; readonly public: Listen | null };
  /** Two reference probes; either suffices. Empty: the guard is off. */
  readonly connectivity: readonly { readonly host: string; readonly port: number }[];
  readonly stores: { readonly state: { readonly kind: "memory" } | { readonly kind: "sqlite"; readonly file: string } | { readonly kind: "kubernetes" } | { readonly kind: "redis"; readonly url: string | Secret } };
  readonly ledger: { readonly maxAge: Ms; readonly maxBytes: number };
  readonly alerts: readonly AlertRoute[];
  readonly tokens: readonly TokenConfig[];
  readonly peerToken: Secret | null;
  /** The other pods of this one's workload, by the headless Service that has their addresses; null: none are asked. */
  readonly peers: { readonly service: string; readonly port: number } | null;
  readonly windows: readonly Window[];
  readonly budget: { readonly actionsPerMinute: number };
  readonly guards: GuardSettings;
  readonly timeZone: string;
};
