/**
 * What happened in a run, one line per event, and the record that expectations are held against.
 */
import type { Alert } from "../core/alert.ts";
import type { CheckVerdict } from "../core/check-state.ts";
import { describeLoss } from "../core/gateway-view.ts";
import type { Intent } from "../core/intent.ts";
import type { Decision } from "../core/proposal.ts";
import type { SiteStatus } from "../core/status.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { EngineEvent } from "../ports/events.ts";

export type SeenDecision = { readonly at: Ms; readonly decision: Decision; readonly repeated: boolean };
export type SeenAlert = { readonly at: Ms; readonly route: string; readonly alert: Alert };

/** Everything that can be expected; times since the start. */
export type RunRecord = {
  readonly decisions: readonly SeenDecision[];
  readonly alerts: readonly SeenAlert[];
  readonly statuses: readonly { readonly at: Ms; readonly status: SiteStatus }[];
  readonly verdicts: readonly { readonly at: Ms; readonly check: string; readonly target: TargetId; readonly verdict: CheckVerdict }[];
};

/** "+00:12.3", "+1:02:03.4": minutes, seconds and tenths since the start. */
export function formatOffset(ms: Ms): string {
  const tenths = Math.floor(ms / 100);
  const seconds = String(Math.floor(tenths / 10) % 60).padStart(2, "0");
  const minutes = String(Math.floor(tenths / 600) % 60).padStart(2, "0");
  const hours = Math.floor(tenths / 36_000);
  return `+${hours === 0 ? "" : `${hours}:`}${minutes}:${seconds}.${tenths % 10}`;
}

export class Transcript {
  readonly #start: Instant;
  readonly #now: () => Instant;
  readonly #lines: string[] = [];
  readonly #decisions: SeenDecision[] = [];
  readonly #alerts: SeenAlert[] = [];
  readonly #statuses: { readonly at: Ms; readonly status: SiteStatus }[] = [];
  readonly #verdicts: { readonly at: Ms; readonly check: string; readonly target: TargetId; readonly verdict: CheckVerdict }[] = [];

  /** @param now the virtual clock; its first instant is the start. */
  constructor(now: () => Instant) {
    this.#now = now;
    this.#start = now();
  }

  lines(): readonly string[] {
    return this.#lines;
  }

  record(): RunRecord {
    return { decisions: this.#decisions, alerts: this.#alerts, statuses: this.#statuses, verdicts: this.#verdicts };
  }

  /** The world does something. */
  world(text: string): void {
    this.#line("world", text);
  }

  alerted(route: string, alert: Alert): void {
    this.#alerts.push({ at: this.#at(), route, alert });
    this.#line("alert", `${route}: ${alert.state}, ${alert.severity}, ${alert.reason}: ${alert.summary}`);
  }

  /** Hears everything the engine tells. */
  readonly heard = (event: EngineEvent): void => {
    const at = this.#at();
    switch (event.kind) {
      case "observed":
      case "alerted":
        return;
      case "verdict":
        this.#verdicts.push({ at, check: event.check, target: event.target, verdict: event.to });
        return this.#line("verdict", `${event.check} of ${event.target}: ${event.from} -> ${event.to}${event.seen.kind === "pass" ? "" : ` (${event.seen.cause}: ${event.seen.detail})`}${event.suppressedBy === null ? "" : `, explained by ${event.suppressedBy}`}`);
      case "status":
        this.#statuses.push({ at, status: event.to });
        return this.#line("status", `${event.from} -> ${event.to}${event.causes.length === 0 ? "" : `: ${event.causes.map((cause) => cause.key).join(", ")}`}`);
      case "flapping":
        return this.#line("flapping", `${event.check} of ${event.target} ${event.flapping ? "flaps" : "is steady again"} (${Math.round(event.percent)}%)`);
      case "decided":
        this.#decisions.push({ at, decision: event.decision, repeated: event.repeated });
        return event.repeated ? undefined : this.#line(event.decision.kind, this.#decision(event.decision));
      case "acted":
        return this.#line("action", `${what(event.intent)}: ${event.intent.state.phase.replaceAll("_", " ")}${reasonOf(event.intent)}`);
      case "verified":
        return this.#line("action", `${what(event.intent)}: ${event.intent.state.phase.replaceAll("_", " ")}${reasonOf(event.intent)}`);
      case "breaker":
        return this.#line("breaker", `${event.breaker.name} is ${event.breaker.effective}: ${event.why}`);
      case "quarantine":
        return this.#line("gateway", `"${event.requestClass}" of ${event.target} is ${event.quarantined ? "not forwarded" : "forwarded again"}: ${event.why}`);
      case "worker_lost":
        return this.#line("gateway", `a worker ${describeLoss(event.loss)}: ${event.detail}`);
      case "connectivity":
        return this.#line("network", event.lostSince === null ? "our own network is back" : "our own network is gone");
      case "commanded":
        return this.#line("person", `${event.who}: ${event.command} ${event.target}: ${event.text}`);
      case "troubled":
        return this.#line("trouble", `${event.where}: ${event.detail}`);
    }
  };

  #decision(decision: Decision): string {
    const { policy, target, why } = decision.proposal;
    switch (decision.kind) {
      case "act":
        return `${policy} ${target}: attempt ${decision.attempt}: ${why}`;
      case "hold":
        return `${policy} ${target} by ${decision.guard}: ${decision.reason}${decision.until === null ? "" : `, until ${formatOffset(decision.until - this.#start)}`}`;
      case "escalate":
        return `${policy} ${target} to ${decision.alert}: ${decision.reason}`;
    }
  }

  #at(): Ms {
    return this.#now() - this.#start;
  }

  #line(kind: string, text: string): void {
    this.#lines.push(`${formatOffset(this.#at())}  ${kind.padEnd(8)}  ${text}`);
  }
}

function what({ proposal, attempt }: Intent): string {
  return `${proposal.policy} ${proposal.target} (${proposal.remedy}, attempt ${attempt})`;
}

function reasonOf({ state }: Intent): string {
  return "reason" in state ? `: ${state.reason}` : "";
}
