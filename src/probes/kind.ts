/**
 * What a kind of look is: the entry the configuration reads, and the way to a probe
 * bound to its settings.
 */
import type { Assertion } from "../core/assertion.ts";
import type { TargetId } from "../core/target.ts";
import type { ProbeKind } from "../config/catalogue.ts";
import type { StorefrontConfig } from "../config/config.ts";
import type { Clock } from "../ports/clock.ts";
import type { Http } from "../ports/http.ts";
import type { OwnLoad } from "../ports/own-load.ts";
import type { PreparedProbe } from "../ports/probe.ts";
import type { RedisPinger } from "../ports/redis-pinger.ts";
import type { Sidecars } from "../ports/sidecars.ts";
import type { TargetUsage } from "../ports/target-usage.ts";
import type { Workloads } from "../ports/workloads.ts";
import type { Tcp } from "../ports/tcp.ts";

/** One check's part of the configuration, as its probe needs it. `CheckConfig` fits. */
export type ProbeOrder = {
  /** What the kind's own schema returned; nothing else may be handed in. */
  readonly settings: unknown;
  readonly assertions: readonly Assertion[];
  /** `endpoint:` of the check's file; null where absent. */
  readonly endpoint: string | null;
};

/** What a probe may know of the site. */
export type ProbeSite = {
  /** Base URL of a target, without a trailing slash; null where there is no such target. */
  url(target: TargetId): string | null;
  readonly storefront: StorefrontConfig | null;
  /** Texts that mark a page as broken though its status is 200. */
  readonly errorMarks: readonly string[];
};

export type ProbePorts = {
  readonly clock: Clock;
  readonly http: Http;
  readonly tcp: Tcp;
  /** null: no Redis is configured. */
  readonly redis: RedisPinger | null;
  readonly usage: TargetUsage;
  /** null: there are no pods here. */
  readonly sidecars: Sidecars | null;
  readonly workloads: Workloads | null;
  readonly load: OwnLoad;
  readonly site: ProbeSite;
};

/** A kind of look, whole. */
export type Probe = ProbeKind & {
  /**
   * Binds the kind to a check's settings. Prepared once per check, run for each of its targets.
   */
  prepare(order: ProbeOrder, ports: ProbePorts): PreparedProbe;
};
