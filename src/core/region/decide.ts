/**
 * The decision of one region's daemon: flip to itself, put its mark back, hold and say why, or stay.
 *
 * A region only ever leads buyers to itself. So there is nobody who could lead them to a region that knows better.
 */
import { formatDuration } from "../time.ts";
import { because, type HoldReason } from "./reason.ts";
import { preferredTo, type RegionName } from "./region.ts";
import { findingOn, ledTo, sees, viewOf, type RegionDecision, type RegionScene } from "./scene.ts";
import { repairEpoch, type Standing } from "./standing.ts";
import { blockOf, decideTakeover, isLost, isPreferredTo, nextEpoch, obstacles, ownFitness, providerReasons, reportsFit } from "./takeover.ts";
import { copiesFor, isRecovering, isTroubled } from "./outside.ts";
import { gaveUp } from "./report.ts";

const HOUR = 3_600_000;

export function decideRegion(scene: RegionScene): RegionDecision {
  const { standing } = scene;
  if (!scene.leads) return hold("records", [because("not_leader", `another daemon of ${scene.me} leads`)]);
  if (standing.kind === "unread") return hold("records", [because("records_unread", "what stands at the provider has not been read yet")]);
  if (standing.kind === "not_ours") return hold("records", [because("records_not_ours", standing.why)]);
  if (standing.kind === "steered") return decideSteered(scene, standing.prefers);
  if (scene.order !== null) return decideOrder(scene, scene.order, standing);
  if (!standing.whole && standing.right.region === scene.me) return decideRepair(scene, standing);
  const decision = decideCalm(scene, standing.leadsTo ?? standing.right.region);
  if (standing.whole || decision.kind !== "stay") return decision;
  return hold("repair", [because("late_write", `beside ${standing.right.region} epoch ${standing.right.epoch} stands ${standing.others.join(", ")}: ${standing.right.region}'s daemon puts it right`)]);
}

/** Of which regions the observers' votes are needed for a decision now. */
export function questionsOf(scene: RegionScene): readonly RegionName[] {
  const current = ledTo(scene);
  if (!scene.leads || current === null || current === scene.me) return [];
  const others = preferredTo(scene.plan, scene.me).filter((region) => region !== current && sees(scene, region) === "down");
  if (isAgainst(scene, current)) return [current, ...others];
  return isPreferredTo(scene, current) && failbackReasons(scene).length === 0 ? [scene.me] : [];
}

/** This region could take over from that one, but for those that are preferred. */
export function couldTakeOver(scene: RegionScene, current: RegionName): boolean {
  return isAgainst(scene, current) && obstacles(scene, current).length === 0;
}

/** Two deciders for one name would contradict each other. What this place sees is told all the same. */
function decideSteered(scene: RegionScene, prefers: RegionName | null): RegionDecision {
  const why = "the provider's own health checks decide where buyers are led, by /health/region of each region";
  if (scene.order !== null) return hold("order", [because("steered", `${why}: it is steered there`)]);
  const lost = prefers !== null && prefers !== scene.me && isAgainst(scene, prefers);
  return lost ? hold("takeover", [because("steered", `${prefers} is ${sees(scene, prefers)} as seen from here; ${why}`)]) : { kind: "stay", why };
}

function decideCalm(scene: RegionScene, current: RegionName): RegionDecision {
  if (current === scene.me) return { kind: "stay", why: `buyers are led to ${current}, which is here` };
  if (isAgainst(scene, current)) return decideTakeover(scene, current);
  if (sees(scene, current) === "unknown") return unseen(scene, current);
  if (sees(scene, scene.me) === "unknown" && !isRecovering(viewOf(scene, scene.me))) return unseenHere(scene);
  return isPreferredTo(scene, current) ? decideFailback(scene, current) : { kind: "stay", why: `${current} answers` };
}

function unseen(scene: RegionScene, current: RegionName): RegionDecision {
  const view = viewOf(scene, current);
  if (isRecovering(view)) return hold("takeover", [because("recovering", `${current} has begun to answer again`)]);
  // Nobody would leave it, whatever became of it: where that lasts a person is called.
  return hold("takeover", [because("blind", `${current} cannot be seen from here: ${view.detail || "no look has ended yet"}`)]);
}

/** Said while nothing is wrong yet, since it would else come out in the first incident: nobody is led to a region that cannot be seen. */
function unseenHere(scene: RegionScene): RegionDecision {
  return hold("takeover", [because("blind_here", `${scene.me} could not take over: its own public path cannot be seen from here: ${viewOf(scene, scene.me).detail || "no look has ended yet"}`)]);
}

/** By this daemon's own view something must be done. */
function isAgainst(scene: RegionScene, current: RegionName): boolean {
  const seen = sees(scene, current);
  if (seen === "down" || seen === "copies-only") return true;
  return seen === "up" && gaveUp(scene.heard.get(current) ?? null) !== null && copiesFor(viewOf(scene, current), scene.now) > 0;
}

function decideFailback(scene: RegionScene, current: RegionName): RegionDecision {
  const finding = findingOn(scene, scene.me);
  const agreed = finding.kind === "agreed" && finding.what === "up" ? finding.by : null;
  const unseen = agreed === null ? [because("quorum", `fewer than ${scene.plan.rules.quorum} observers see ${scene.me} answer`)] : [];
  const before = failbackReasons(scene);
  // Nobody is asked before it is time.
  const reasons = before.length > 0 ? before : unseen;
  if (reasons.length > 0) return hold("failback", reasons);
  return { kind: "flip", to: scene.me, from: current, epoch: nextEpoch(scene), cause: "failback", by: agreed ?? [], warns: [], who: "shopkeeper" };
}

/** What speaks against leading buyers back here, votes aside. */
function failbackReasons(scene: RegionScene): readonly HoldReason[] {
  const { failbackAfter } = scene.plan.rules;
  if (failbackAfter === null) return [because("failback_manual", "only a person leads buyers back")];
  const until = scene.fitSince === null ? null : scene.fitSince + failbackAfter;
  const wait = until !== null && scene.now >= until ? [] : [because("failback_wait", `${scene.me} must be healthy and verified for ${formatDuration(failbackAfter)}`, until)];
  const better = preferredTo(scene.plan, scene.me).filter((region) => {
    const report = scene.heard.get(region)?.report;
    return report !== undefined && !isLost(scene, region) && reportsFit(scene, report, false);
  });
  return [
    ...wait,
    ...ownFitness(scene, false).blocks.map(({ code, text }) => because(code, text)),
    ...blockOf(scene),
    ...better.map((region) => because("not_preferred", `${region} is preferred and fit: buyers are led back there`)),
    ...providerReasons(scene),
  ];
}

type Ours = Extract<Standing, { readonly kind: "ours" }>;

function decideRepair(scene: RegionScene, standing: Ours): RegionDecision {
  const { me, now, plan } = scene;
  const recent = scene.repairedAt.filter((at) => now - at < HOUR);
  const spent = recent.length >= plan.rules.repairs ? [because("repairs_spent", `${recent.length} repairs within the hour, and ${standing.others.join(", ")} stands again: somebody else insists`)] : [];
  // A late write may have led buyers to where they are better off than here.
  const unfit = ownFitness(scene, true).blocks.map(({ code, text }) => because(code, text));
  const reasons = [...spent, ...unfit, ...providerReasons(scene)];
  return reasons.length > 0 ? hold("repair", reasons) : { kind: "repair", to: me, epoch: repairEpoch(standing), over: standing.others };
}

/** A person's command ignores the block, the votes and the veto; never whether this region could serve. */
function decideOrder(scene: RegionScene, order: { readonly to: RegionName; readonly by: string }, standing: Ours): RegionDecision {
  const { me } = scene;
  if (order.to !== me) return hold("order", [because("not_target", `${order.to}'s own daemon carries that out`)]);
  if (standing.whole && standing.leadsTo === me) return { kind: "stay", why: `buyers are led to ${me} already` };
  const current = standing.leadsTo ?? standing.right.region;
  const fitness = ownFitness(scene, sees(scene, current) === "down");
  const reasons = [...fitness.blocks.map(({ code, text }) => because(code, text)), ...(scene.unsettled === null ? [] : [because("unsettled", scene.unsettled)])];
  if (reasons.length > 0) return hold("order", reasons);
  return { kind: "flip", to: me, from: current, epoch: nextEpoch(scene), cause: "manual", by: [], warns: fitness.warns.map((one) => one.text), who: order.by };
}

function hold(about: Extract<RegionDecision, { readonly kind: "hold" }>["about"], reasons: readonly HoldReason[]): RegionDecision {
  return { kind: "hold", about, reasons };
}

/** Something is wrong with the region that buyers are led to: what stands at the provider is worth reading at each step. */
export function isUrgent(scene: RegionScene): boolean {
  const current = ledTo(scene);
  return current !== null && current !== scene.me && isTroubled(viewOf(scene, current));
}
