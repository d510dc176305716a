/**
 * One execution of one recorded intent under a hard deadline, and what its end means.
 *
 * Whatever is not plainly done or plainly refused is read back from the world before
 * anybody may try again; what cannot be read is uncertain, and stays so, unless its remedy can be read later as well:
 * then it stays open until it was.
 */
import type { Intent, IntentState } from "../core/intent.ts";
import type { Precondition, Proposal } from "../core/proposal.ts";
import type { Target, TargetId } from "../core/target.ts";
import { podName } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import { sleep } from "../ports/clock.ts";
import type { Remedy } from "../ports/remedy.ts";
import { ActionError } from "../ports/remedy.ts";

/** May we act at this very moment? Leadership, and whatever else the role knows. The precondition is checked beside it. */
export type FenceAnswer = { readonly kind: "clear" } | { readonly kind: "blocked"; readonly reason: string };
export type Fence = (proposal: Proposal, signal: AbortSignal) => Promise<FenceAnswer>;

/** Time every action has, the fence included, before what its remedy asks for on top. */
export const ACTION_MS: Ms = 4_500;
/** Part of it that the fence may take, so that the effect always has the larger part. */
export const FENCE_MS: Ms = 2_000;
/** Most that a remedy may ask for on top: a graceful stop, a command. */
export const MAX_EXTRA_MS: Ms = 120_000;
/** So long after it was sent, what is not there yet may still land: sent late, or held back by whoever it was sent to. */
export const LANDS_WITHIN_MS: Ms = 20_000;
/** So long it is tried to read what can be read later. */
export const READ_LATER_MS: Ms = 900_000;
/** After the deadline: time for the aborted action to let go before the world is read. */
export const LET_GO_MS: Ms = 1_000;

export type CarryOutParts = {
  readonly clock: Clock;
  readonly remedies: ReadonlyMap<string, Remedy>;
  readonly target: (id: TargetId) => Target | null;
  readonly fence: Fence;
};

type Effect = Readonly<Record<string, unknown>>;
type Ended<T> =
  | { readonly kind: "returned"; readonly value: T }
  | { readonly kind: "threw"; readonly error: unknown }
  /** `letGo` false: it may still be at work. */
  | { readonly kind: "late"; readonly letGo: boolean };

/** `why`: how the action ended, where that was neither done nor refused; "" else. */
export type CarriedOut = { readonly state: IntentState; readonly why: string };

/** Fence, then effect. Never rejects. `intended`: it cannot be told yet, and is asked again by `readBack`. */
export async function carryOut(intent: Intent, parts: CarryOutParts, signal?: AbortSignal): Promise<CarriedOut> {
  const plain = (state: IntentState): CarriedOut => ({ state, why: "" });
  const found = lookUp(intent, parts);
  if ("reason" in found) return plain(refused(parts.clock, found.reason));
  const { remedy, target } = found;
  const began = parts.clock.now();
  const fenced = await within(parts.clock, FENCE_MS, signal, (inner) => fenceOff(intent, target, remedy, parts.fence, inner));
  if (fenced.kind !== "returned") return plain(refused(parts.clock, `not begun: ${why(fenced)}`));
  if (fenced.value !== null) return plain(refused(parts.clock, fenced.value));

  const extra = Math.min(Math.max(remedy.extraMs?.(target, intent.proposal.params) ?? 0, 0), MAX_EXTRA_MS);
  const left = Math.max(ACTION_MS - FENCE_MS, began + ACTION_MS - parts.clock.now());
  const ended = await within(parts.clock, left + extra, signal, (inner) => remedy.execute(intent, target, inner));
  if (ended.kind === "returned") return plain(done(intent, remedy, ended.value, parts.clock));
  if (ended.kind === "threw" && ended.error instanceof ActionError && ended.error.code === "REFUSED") return plain(refused(parts.clock, ended.error.message));
  if (remedy.repeatable === true) return plain(refused(parts.clock, `${why(ended)}; may be repeated`));
  const read = await readBack(intent, parts, parts.clock.now());
  if (read.phase === "intended") return { state: read, why: why(ended) };
  if (read.phase !== "refused" || ended.kind !== "late" || ended.letGo) return plain(because(read, why(ended)));
  return plain({ phase: "uncertain", endedAt: parts.clock.now(), reason: `${why(ended)}, and it may still be at work` });
}

/**
 * Asks the world what became of an intent whose end nobody recorded. Never rejects, changes nothing. `intended`: it cannot be told yet.
 *
 * @param sentAt when this process gave up on it, or first read that another had; by its own clock, since the one that recorded it may have gone otherwise.
 */
export async function readBack(intent: Intent, parts: CarryOutParts, sentAt: Instant, signal?: AbortSignal): Promise<IntentState> {
  const found = lookUp(intent, parts);
  if ("reason" in found) return { phase: "uncertain", endedAt: parts.clock.now(), reason: `cannot be read back: ${found.reason}` };
  const { remedy, target } = found;
  const ended = await within(parts.clock, ACTION_MS, signal, (inner) => remedy.readBack(intent, target, inner));
  const unread = (reason: string): IntentState => {
    const now = parts.clock.now();
    return remedy.readableLater === true && now < intent.recordedAt + READ_LATER_MS ? { phase: "intended" } : { phase: "uncertain", endedAt: now, reason };
  };
  if (ended.kind !== "returned") return unread(`could not be read back: ${why(ended)}`);
  switch (ended.value.kind) {
    case "landed":
      return done(intent, remedy, ended.value.effect, parts.clock);
    case "not_landed":
      return remedy.readableLater === true && parts.clock.now() < sentAt + LANDS_WITHIN_MS ? { phase: "intended" } : refused(parts.clock, "not carried out");
    case "unreadable":
      return unread(ended.value.reason);
  }
}

function lookUp(intent: Intent, parts: CarryOutParts): { readonly remedy: Remedy; readonly target: Target } | { readonly reason: string } {
  const remedy = parts.remedies.get(intent.proposal.remedy);
  if (remedy === undefined) return { reason: `there is no remedy ${intent.proposal.remedy} here` };
  const target = parts.target(intent.proposal.target) ?? remembered(intent.proposal);
  return target === null ? { reason: `${intent.proposal.target} is not configured any more` } : { remedy, target };
}

/** Pods come and go, and after a start none is known yet: of what an action in a cluster was about, the proposal says enough to ask what became of it. */
function remembered({ target: id, workload, precondition }: Proposal): Target | null {
  if (podName(id) !== null) return { id, kind: "pod", workload };
  return precondition.kind === "generation" || precondition.kind === "size" ? { id, kind: "workload", workload } : null;
}

/** @returns why not, or null when the way is clear. */
async function fenceOff(intent: Intent, target: Target, remedy: Remedy, fence: Fence, signal: AbortSignal): Promise<string | null> {
  const answer = await fence(intent.proposal, signal);
  if (answer.kind === "blocked") return answer.reason;
  const now = await remedy.prepare(target, intent.proposal.params, signal);
  if (now.wait !== undefined) return `not now any more: ${now.wait.reason}`;
  if (samePrecondition(intent.proposal.precondition, now.precondition)) return null;
  return `the world moved on: expected ${inWords(intent.proposal.precondition)}, found ${inWords(now.precondition)}`;
}

export function samePrecondition(a: Precondition, b: Precondition): boolean {
  switch (a.kind) {
    case "none":
      return true;
    case "no_process":
      return b.kind === "no_process";
    case "process":
      return b.kind === "process" && a.pid === b.pid && a.startTime === b.startTime;
    case "pod":
      return b.kind === "pod" && a.name === b.name && a.uid === b.uid;
    case "size":
      return b.kind === "size" && a.of === b.of && a.name === b.name && a.size === b.size;
    case "generation":
      return b.kind === "generation" && a.deployment === b.deployment && a.generation === b.generation;
  }
}

function inWords(precondition: Precondition): string {
  switch (precondition.kind) {
    case "none":
      return "nothing in particular";
    case "no_process":
      return "no process";
    case "process":
      return `process ${precondition.pid}`;
    case "pod":
      return `pod ${precondition.name} (${precondition.uid})`;
    case "size":
      return `${precondition.size} replicas by the ${precondition.of} ${precondition.name}`;
    case "generation":
      return `generation ${precondition.generation} of ${precondition.deployment}`;
  }
}

function done(intent: Intent, remedy: Remedy, effect: Effect, clock: Clock): IntentState {
  const at = clock.now();
  if (remedy.verifiedBy === "effect") return { phase: "verified", doneAt: at, verifiedAt: at, effect };
  return { phase: "awaiting_verification", doneAt: at, verifyBy: at + intent.verifyWithin, effect };
}

function refused(clock: Clock, reason: string): IntentState {
  return { phase: "refused", endedAt: clock.now(), reason };
}

/** Says how the action ended before what was read of it. */
export function because(state: IntentState, text: string): IntentState {
  return text !== "" && (state.phase === "refused" || state.phase === "uncertain") ? { ...state, reason: `${text}; ${state.reason}` } : state;
}

function why(ended: Exclude<Ended<unknown>, { readonly kind: "returned" }>): string {
  if (ended.kind === "late") return "no end within its deadline";
  return ended.error instanceof Error ? ended.error.message.slice(0, 500) : "it failed";
}

async function within<T>(clock: Clock, ms: Ms, outer: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<Ended<T>> {
  const deadline = new AbortController();
  const over = new AbortController();
  const cut = (): void => deadline.abort(new Error("stopped"));
  if (outer?.aborted === true) cut();
  outer?.addEventListener("abort", cut, { once: true });
  const cancel = clock.after(ms, () => deadline.abort(new Error("deadline")));
  const aborted = new Promise<void>((resolve) => {
    if (deadline.signal.aborted) return resolve();
    deadline.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const ended: Promise<Ended<T>> = work(deadline.signal).then(
    (value) => ({ kind: "returned", value }) as const,
    (error: unknown) => ({ kind: "threw", error }) as const,
  );
  try {
    const first = await Promise.race([ended, aborted.then(() => null)]);
    if (first !== null) return first;
    const settled = await Promise.race([ended, sleep(clock, LET_GO_MS, over.signal).then(() => null)]);
    if (settled === null) return { kind: "late", letGo: false };
    // Done a little late is done; an error after the abort says nothing about the effect.
    if (settled.kind === "returned") return settled;
    return settled.kind === "threw" && settled.error instanceof ActionError ? settled : { kind: "late", letGo: true };
  } finally {
    cancel();
    over.abort();
    outer?.removeEventListener("abort", cut);
  }
}
