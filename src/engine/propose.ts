/**
 * From triggers that fire to proposals that can be judged: which remedy it would be,
 * and what that remedy finds when it reads the world.
 */
import type { ActionName } from "../core/action.ts";
import { isAction, isDestructiveAction, isWholeAction, resolveAction } from "../core/action.ts";
import type { Asked } from "../core/decide.ts";
import { isHeldAnyway } from "../core/decide.ts";
import type { PolicySpec } from "../core/policy.ts";
import type { Proposal, Wait } from "../core/proposal.ts";
import type { Scene } from "../core/scene.ts";
import type { Target, TargetId } from "../core/target.ts";
import { SITE } from "../core/target.ts";
import type { Ms } from "../core/time.ts";
import type { Firing } from "../core/trigger.ts";
import { causeOf, evaluate } from "../core/trigger.ts";
import type { Clock } from "../ports/clock.ts";
import type { Troubled } from "../ports/events.ts";
import type { Prepared, Remedy } from "../ports/remedy.ts";
import type { Findings } from "./findings.ts";
import type { Roll } from "./roll.ts";

export type ProposeParts = {
  readonly roll: Roll;
  /** By name, bound to their ports. */
  readonly remedies: ReadonlyMap<string, Remedy>;
  readonly clock: Clock;
  readonly troubled: (where: Troubled["where"], detail: string) => void;
};

/** Reading the world for a proposal takes at most this long. */
export const PREPARE_MS: Ms = 4_500;
/** Remedies that read the world at the same time. */
const AT_ONCE = 16;
const LOOK_AGAIN_MS: Ms = 1_000;
const MANUAL_VERIFY_MS: Ms = 60_000;

/** `findings` outlives the step. */
type StepParts = ProposeParts & { readonly findings: Findings };

/** A proposal for every policy and target whose trigger fires now. One that cannot be prepared is told as trouble and left out until the next step. */
export async function propose(scene: Scene, policies: readonly PolicySpec[], parts: StepParts, signal: AbortSignal): Promise<readonly Asked[]> {
  const firing = policies.filter((policy) => !isOfTheRegions(policy)).flatMap((policy) => together(policy, evaluate(policy.trigger, scene), parts.roll.targets).map((one) => ({ policy, one })));
  const asked: Asked[] = [];
  for (let from = 0; from < firing.length && !signal.aborted; from += AT_ONCE) {
    const some = await Promise.all(firing.slice(from, from + AT_ONCE).map(({ policy, one }) => prepared(policy, one, scene, parts, signal)));
    asked.push(...some.filter((one) => one !== null));
  }
  return asked;
}

/** The watch of the regions decides on it, by votes. */
function isOfTheRegions({ action, unavailable }: PolicySpec): boolean {
  return action === "failover_dns" && unavailable === null;
}

/** What is done to a workload as a whole is asked for once, by the target that has needed it longest. */
function together(policy: PolicySpec, firings: readonly Firing[], targets: readonly Target[]): readonly Firing[] {
  if (!isAction(policy.action) || !isWholeAction(policy.action)) return firings;
  const workloads = new Map(targets.map(({ id, workload }) => [id, workload]));
  const byMean = new Set(policy.action === "scale_up" ? targets.flatMap(({ kind, workload }) => (kind === "workload" ? [workload] : [])) : []);
  const pods = new Set(targets.flatMap(({ id, kind, workload }) => (kind === "pod" && byMean.has(workload) ? [id] : [])));
  // What one pod uses says nothing of the others: where all of them are looked at as one, only that counts.
  const groups = Map.groupBy(firings.filter(({ target }) => !pods.has(target)), ({ target }) => workloads.get(target) ?? target);
  return [...groups.values()].flatMap((group) => {
    const [first] = group.toSorted((a, b) => a.since - b.since || (a.target < b.target ? -1 : 1));
    if (first === undefined) return [];
    return [group.length === 1 ? first : { ...first, why: `${first.why}; and ${group.length - 1} more of ${workloads.get(first.target) ?? first.target}` }];
  });
}

async function prepared(policy: PolicySpec, firing: Firing, scene: Scene, parts: StepParts, signal: AbortSignal): Promise<Asked | null> {
  const target = parts.roll.target(firing.target);
  if (target === null || !isAction(policy.action)) return null;
  const found = remedyFor(policy.action, target, parts.remedies);
  const unavailable = policy.unavailable ?? (found.kind === "none" ? found.reason : null);
  const base = {
    policy: policy.name, action: policy.action, target: target.id, workload: target.workload,
    cause: causeOf(policy), evidence: firing.evidence, since: firing.since, why: firing.why, params: policy.params,
  };
  if (unavailable !== null || found.kind === "none") {
    const proposal: Proposal = { ...base, remedy: found.kind === "none" ? policy.action : found.name, destructive: isDestructiveAction(policy.action), gone: false, precondition: { kind: "none" } };
    return { proposal, policy: { ...policy, unavailable } };
  }
  const unseen = found.remedy.foreseen === undefined ? null : { ...base, remedy: found.name, ...found.remedy.foreseen, precondition: { kind: "none" } as const };
  if (unseen !== null && isHeldAnyway({ proposal: unseen, policy }, scene)) return { proposal: { ...unseen, wait: notLookedAt(scene) }, policy };
  try {
    const known = policy.mode === "observe" && unseen !== null ? parts.findings.of(policy.name, target.id, scene.now) : null;
    const facts = known ?? (await withDeadline(parts.clock, signal, (inner) => found.remedy.prepare(target, policy.params, inner)));
    if (known === null && policy.mode === "observe" && unseen !== null) parts.findings.keep(policy.name, target.id, facts, scene.now);
    return { proposal: { ...base, remedy: found.name, ...pick(facts) }, policy };
  } catch (error) {
    parts.troubled("loop", `${policy.name} could not look at ${target.id} before acting: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

/** Should what held it be over by the time it is decided on, nothing is known of the world: the next step looks. */
function notLookedAt(scene: Scene): Wait {
  return { guard: "unseen", reason: "it was not looked at yet", until: scene.now + LOOK_AGAIN_MS };
}

type Manual = { readonly kind: "asked"; readonly asked: Asked } | { readonly kind: "problem"; readonly reason: string };

/** A person's restart of one target, as a proposal with a policy of its own. */
export async function manualProposal(id: TargetId, who: string, why: string, parts: ProposeParts, signal: AbortSignal): Promise<Manual> {
  const target = id === SITE ? null : parts.roll.target(id);
  if (target === null) return { kind: "problem", reason: `there is no target ${id}` };
  const found = remedyFor("restart_process", target, parts.remedies);
  if (found.kind === "none") return { kind: "problem", reason: found.reason };
  const facts = await withDeadline(parts.clock, signal, (inner) => found.remedy.prepare(target, {}, inner));
  const proposal: Proposal = {
    policy: "manual", action: "restart", remedy: found.name, target: id, workload: target.workload, cause: "manual",
    evidence: [], since: parts.clock.now(), why: `${who}: ${why}`, params: {}, ...pick(facts),
  };
  const policy: PolicySpec = {
    name: "manual", trigger: { kind: "or", any: [] }, triggerText: "", action: "restart_process", mode: "act", unavailable: null, cooldown: 0,
    escalation: null, verifyWithin: Math.max(MANUAL_VERIFY_MS, parts.roll.startupGrace.get(id) ?? 0), params: {}, windows: [],
  };
  return { kind: "asked", asked: { proposal, policy } };
}

type Found = { readonly kind: "remedy"; readonly name: string; readonly remedy: Remedy } | { readonly kind: "none"; readonly reason: string };

function remedyFor(action: ActionName, target: Target, remedies: ReadonlyMap<string, Remedy>): Found {
  const resolution = resolveAction(action, target.id === SITE ? null : target.kind);
  if (resolution.kind === "unavailable") return { kind: "none", reason: resolution.reason };
  const remedy = remedies.get(resolution.remedy);
  return remedy === undefined ? { kind: "none", reason: `there is no remedy ${resolution.remedy} here` } : { kind: "remedy", name: resolution.remedy, remedy };
}

function pick({ precondition, destructive, gone, wait }: Prepared): Prepared {
  return { precondition, destructive, gone, ...(wait === undefined ? {} : { wait }) };
}

/** @throws what the work throws, or an Error once the time is over. */
async function withDeadline<T>(clock: Clock, outer: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => controller.abort(new Error("stopped"));
  outer.addEventListener("abort", stop, { once: true });
  if (outer.aborted) stop();
  const cancel = clock.after(PREPARE_MS, () => controller.abort(new Error("no answer in time")));
  const aborted = new Promise<never>((_resolve, reject) => {
    const fail = (): void => reject(controller.signal.reason instanceof Error ? controller.signal.reason : new Error("stopped"));
    if (controller.signal.aborted) fail();
    else controller.signal.addEventListener("abort", fail, { once: true });
  });
  try {
    return await Promise.race([work(controller.signal), aborted]);
  } finally {
    cancel();
    outer.removeEventListener("abort", stop);
    // Nobody listens any more; a rejection after the end is nobody's.
    aborted.catch(() => undefined);
  }
}
