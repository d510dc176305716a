/** Snapshot and explanation, put together from what each part knows. */
import type { BreakerView } from "../core/breaker.ts";
import type { CheckSpec } from "../core/check.ts";
import type { GatewayView } from "../core/gateway-view.ts";
import type { Intent } from "../core/intent.ts";
import type { PolicySpec } from "../core/policy.ts";
import type { HoldView, LookView, PolicyView, Snapshot, WhyView } from "../core/snapshot.ts";
import { intentView, lookView } from "../core/snapshot.ts";
import { judgeTarget } from "../core/status.ts";
import type { Target, TargetId } from "../core/target.ts";
import { SITE } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import { explain } from "./explain.ts";
import type { Trouble } from "./explain.ts";
import type { Judge } from "./judge.ts";
import type { Observer } from "./observe.ts";
import type { Recovery } from "./recovery.ts";
import type { Standing } from "./standing.ts";

export type Views = {
  readonly site: string;
  readonly at: Instant;
  readonly beganAt: Instant;
  readonly targets: readonly Target[];
  readonly checks: readonly CheckSpec[];
  /** With the modes in force. */
  readonly policies: readonly PolicySpec[];
  readonly judge: Judge;
  readonly observer: Observer;
  readonly recovery: Recovery;
  readonly standing: Standing;
  readonly openIntents: readonly Intent[];
  readonly breakers: readonly BreakerView[];
  /** null: none runs here. */
  readonly gateway: GatewayView | null;
  readonly troubles: ReadonlyMap<TargetId, Trouble>;
};

export function takeSnapshot(views: Views): Snapshot {
  const { site, at, beganAt, targets, judge, observer, recovery, standing } = views;
  const judged = judge.site();
  const holds = recovery.holds();
  return structuredClone({
    site,
    at,
    startedAt: beganAt,
    status: judged.status,
    statusSince: judged.since,
    causes: judged.causes,
    networkLostSince: observer.connectivity().lostSince,
    targets,
    looks: looksOf(views),
    breakers: views.breakers,
    gateway: views.gateway,
    openIntents: views.openIntents.map(intentView),
    pauses: standing.pauses(at),
    acknowledgements: standing.acknowledgements(at),
    episodes: recovery.episodes(),
    policies: views.policies.map((policy) => policyView(policy, holds)),
  });
}

export function takeWhy(views: Views, target: TargetId): WhyView | null {
  const { at, judge, recovery, standing, targets, checks } = views;
  const known = targets.find((one) => one.id === target);
  if (known === undefined && target !== SITE) return null;
  const workload = known?.workload ?? SITE;
  const facts: Omit<WhyView, "lines"> = {
    target,
    at,
    status: target === SITE ? judge.site().status : judgeTarget(judge.site(), target).status,
    looks: looksOf(views).filter((look) => target === SITE || look.target === target),
    holds: recovery.holds().filter((hold) => target === SITE || hold.target === target),
    openIntents: views.openIntents.map(intentView).filter((intent) => target === SITE || intent.target === target),
    pauses: standing.pauses(at).filter((pause) => target === SITE || pause.scope.kind !== "target" || pause.scope.target === target),
    acknowledgements: standing.acknowledgements(at).filter((ack) => target === SITE || ack.target === target),
    episodes: recovery.episodes().filter((episode) => target === SITE || episode.workload === workload),
  };
  return structuredClone({ ...facts, lines: explain(facts, checks, judge.states(), views.troubles.get(target) ?? null) });
}

function looksOf({ judge, observer }: Views): readonly LookView[] {
  const states = judge.states();
  const flaps = judge.flaps();
  return judge.site().looks.map((look) => lookView(look, states.get(look.key) ?? null, flaps.get(look.key) ?? null, observer.nextLookAt(look.key)));
}

function policyView(policy: PolicySpec, holds: readonly HoldView[]): PolicyView {
  const lastHold = holds.filter((hold) => hold.policy === policy.name).toSorted((a, b) => b.at - a.at)[0] ?? null;
  return { name: policy.name, action: policy.action, trigger: policy.triggerText, mode: policy.mode, unavailable: policy.unavailable, lastHold };
}
