/**
 * One place per event: the log line and the metric are written together.
 */
import type { Logger } from "pino";
import { CDN_FACTS } from "../core/cdn-word.ts";
import type { CheckVerdict } from "../core/check-state.ts";
import { describeLoss } from "../core/gateway-view.ts";
import type { Decision } from "../core/proposal.ts";
import type { LookKey } from "../core/target.ts";
import type { Decided, Events, Observed } from "../ports/events.ts";
import type { EngineMetrics } from "./metrics.ts";

/** Longest text of one log line, in characters: details come from outside. */
const MAX_TEXT = 1_000;

/** Events as log lines and metrics. Never throws. */
export function eventRecorder(log: Logger, metrics: EngineMetrics): Events {
  const verdicts = new Map<string, VerdictCount>();
  return {
    observed: (event) => countLook(event, verdicts, metrics),
    verdictChanged: ({ check, target, from, to, since, seen, suppressedBy }) => {
      const detail = seen.kind === "pass" ? "" : `: ${seen.detail}`;
      log[to === "unhealthy" ? "warn" : "info"]({ event: "verdict", check, target, from, to, since: new Date(since).toISOString(), suppressedBy }, bounded(`${check} at ${target} is ${to}${detail}`));
    },
    statusChanged: ({ from, to, causes }) => {
      const why = causes.map((cause) => `${cause.check} at ${cause.target}`).join(", ");
      log[to === "unhealthy" ? "warn" : "info"]({ event: "status", from, to }, bounded(`site is ${to}${why === "" ? "" : `: ${why}`}`));
    },
    flappingChanged: ({ check, target, flapping, percent }) =>
      log[flapping ? "warn" : "info"]({ event: "flapping", check, target, percent }, `${check} at ${target} ${flapping ? "is flapping: its actions are frozen" : "has settled"}`),
    decided: (event) => countDecision(event, log, metrics),
    acted: ({ intent, tookMs }) => {
      const { remedy, target, why } = intent.proposal;
      const { phase } = intent.state;
      if (phase !== "intended") metrics.actions.inc({ action: remedy, outcome: phase });
      log[phase === "uncertain" ? "error" : "info"]({ event: "action", actionId: intent.id, remedy, target, phase, tookMs }, bounded(`${remedy} of ${target}: ${phase}; ${why}`));
    },
    verified: ({ intent }) => {
      const { remedy, target } = intent.proposal;
      metrics.actions.inc({ action: remedy, outcome: intent.state.phase });
      log[intent.state.phase === "verified" ? "info" : "warn"]({ event: "verification", actionId: intent.id, remedy, target }, `${remedy} of ${target}: ${intent.state.phase}`);
    },
    alerted: ({ route, alert, delivery }) => {
      const { key, state, summary } = alert;
      const lost = delivery.kind === "refused" || delivery.kind === "failed" ? delivery.detail : null;
      log[lost === null ? "info" : "warn"]({ event: "alert", route, key, state, delivery: delivery.kind }, bounded(`alert to ${route} ${delivery.kind}: ${summary}${lost === null ? "" : `; ${lost}`}`));
    },
    breakerChanged: ({ breaker, why }) => {
      metrics.breakerState(breaker.name, breaker.effective);
      log.info({ event: "breaker", breaker: breaker.name, position: breaker.effective }, bounded(`breaker ${breaker.name} is ${breaker.effective}: ${why}`));
    },
    quarantineChanged: ({ target, requestClass, quarantined, why, total }) => {
      metrics.quarantined(total);
      log[quarantined ? "warn" : "info"]({ event: "quarantine", target, class: requestClass, quarantined }, bounded(`"${requestClass}" is ${quarantined ? "not forwarded for now" : "forwarded again"}: ${why}`));
    },
    workerLost: ({ worker, loss, detail }) => {
      metrics.workerLost(loss);
      log.error({ event: "gateway", worker, loss }, bounded(`a worker of the gateway ${describeLoss(loss)} and is replaced: ${detail}`));
    },
    commanded: ({ who, command, target, text }) => log.info({ event: "command", who, command, target }, bounded(text)),
    connectivityChanged: ({ lostSince }) => {
      if (lostSince === null) log.info({ event: "connectivity" }, "our own network is back");
      else log.warn({ event: "connectivity", lostSince: new Date(lostSince).toISOString() }, "no reference host answers: what lies beyond this host is unknown");
    },
    troubled: ({ where, detail }) => log.error({ event: "trouble", where }, bounded(`${where}: ${detail}`)),
  };
}

function bounded(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}

/** How many looks of a check stand at each verdict; kept as counts, so that a thousand targets cost no more than one. */
class VerdictCount {
  readonly #of = new Map<LookKey, CheckVerdict>();
  readonly #counts: Record<CheckVerdict, number> = { healthy: 0, degraded: 0, unhealthy: 0, unknown: 0 };

  /** Notes a look's verdict; the worst known one of all, `unknown` only where nothing is known. null: as before. */
  note(key: LookKey, verdict: CheckVerdict): CheckVerdict | null {
    const before = this.#of.get(key);
    if (before === verdict) return null;
    if (before !== undefined) this.#counts[before] -= 1;
    this.#counts[verdict] += 1;
    this.#of.set(key, verdict);
    return (["unhealthy", "degraded", "healthy"] as const).find((worst) => this.#counts[worst] > 0) ?? "unknown";
  }
}

/** For metrics only: looks are made many times a second. */
function countLook({ key, check, seen, verdict }: Observed, verdicts: Map<string, VerdictCount>, metrics: EngineMetrics): void {
  metrics.checkTook(check, seen.tookMs);
  const asked = seen.kind === "unknown" ? undefined : seen.facts[CDN_FACTS.requests];
  if (seen.kind !== "unknown" && asked !== undefined) metrics.cdnAnswered(asked, seen.facts[CDN_FACTS.hits] ?? 0);
  const ofCheck = verdicts.get(check) ?? new VerdictCount();
  verdicts.set(check, ofCheck);
  const worst = ofCheck.note(key, verdict);
  if (worst !== null) metrics.checkStatus(check, worst);
}

function countDecision({ decision, repeated }: Decided, log: Logger, metrics: EngineMetrics): void {
  const { policy, remedy, target, why } = decision.proposal;
  metrics.decisions.inc({ policy, decision: decision.kind, reason: reasonLabel(decision) });
  if (repeated) return;
  log.info({ event: "decision", policy, decision: decision.kind, remedy, target }, bounded(`${policy}: ${decisionText(decision)}; ${why}`));
}

/** From a closed set: the guard of a hold, else the kind itself. */
function reasonLabel(decision: Decision): string {
  return decision.kind === "hold" ? decision.guard : decision.kind;
}

function decisionText(decision: Decision): string {
  const { remedy, target } = decision.proposal;
  switch (decision.kind) {
    case "act":
      return `${remedy} of ${target}, attempt ${decision.attempt}`;
    case "hold":
      return `${remedy} of ${target} held by ${decision.guard}: ${decision.reason}`;
    case "escalate":
      return `${remedy} of ${target} given up, ${decision.alert} is told: ${decision.reason}`;
  }
}
