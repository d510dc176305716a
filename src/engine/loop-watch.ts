/**
 * Are we ourselves in order? Notices that our own event loop lagged, that the machine
 * slept, or that somebody set the clock: what was measured then says nothing.
 */
import { parseBound } from "../core/assertion.ts";
import type { Finding, Observation } from "../core/observation.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";

/** A slow answer seen while our own loop lagged by more than this is not the target's slowness. */
export const LAG_BOUND_MS: Ms = 100;
/** A tick this late, or a wall clock that moves this far against ours, is a jump. */
export const JUMP_BOUND_MS: Ms = 5_000;
/** How often the loop's lag is measured while looks are under way. */
export const BEAT_MS: Ms = 100;

export interface LoopWatch {
  /** A timer set for `expected` fired now. */
  fired(expected: Instant): void;
  /** Something is under way that must be measured against our own lag; returns the end of it. */
  measuring(): () => void;
  /** The observation as it counts, of a look that began at `startedAt`. */
  correct(seen: Observation, startedAt: Instant): Observation;
  stop(): void;
}

export function createLoopWatch(clock: Clock): LoopWatch {
  let drift = clock.wall() - clock.now();
  let lagged = { at: Number.NEGATIVE_INFINITY, ms: 0 };
  let jumped = { at: Number.NEGATIVE_INFINITY, ms: 0 };
  let under = 0;
  let cancelBeat: (() => void) | null = null;
  let beatDue: Instant = 0;

  const note = (expected: Instant): void => {
    const now = clock.now();
    const late = now - expected;
    if (late > LAG_BOUND_MS) lagged = { at: now, ms: late };
    if (late > JUMP_BOUND_MS) jumped = { at: now, ms: late };
    const moved = clock.wall() - now - drift;
    if (Math.abs(moved) > JUMP_BOUND_MS) {
      jumped = { at: now, ms: moved };
      drift += moved;
    }
  };
  const beat = (): void => {
    beatDue = clock.now() + BEAT_MS;
    cancelBeat = clock.after(BEAT_MS, () => {
      cancelBeat = null;
      note(beatDue);
      if (under > 0) beat();
    });
  };

  return {
    fired: note,
    measuring: () => {
      under += 1;
      if (cancelBeat === null) beat();
      let ended = false;
      return () => {
        if (!ended) under -= 1;
        ended = true;
      };
    },
    correct: (seen, startedAt) => {
      // An answer can be read before the late beat runs; so the beat is asked here too.
      note(cancelBeat === null ? clock.now() : beatDue);
      if (seen.kind === "pass" || seen.kind === "unknown") return seen;
      if (jumped.at >= startedAt && jumped.at > Number.NEGATIVE_INFINITY) return notOurs(seen, "clock_jump", `the clock or the machine jumped by ${Math.round(jumped.ms)} ms`);
      if (lagged.at > startedAt && isLatencyOnly(seen)) return notOurs(seen, "internal", `our own loop lagged ${Math.round(lagged.ms)} ms`);
      return seen;
    },
    stop: () => {
      cancelBeat?.();
      cancelBeat = null;
      under = 0;
    },
  };
}

type Ill = Extract<Observation, { readonly kind: "warn" | "fail" }>;

function notOurs(seen: Ill, cause: "clock_jump" | "internal", why: string): Observation {
  return { kind: "unknown", at: seen.at, tookMs: seen.tookMs, cause, detail: `${why}; seen: ${seen.detail}` };
}

/** Nothing is wrong but time: a deadline, or bounds on durations. */
function isLatencyOnly(seen: Ill): boolean {
  if (seen.cause === "timeout") return true;
  const broken = seen.findings.filter((finding) => finding.level === "warn" || finding.level === "fail");
  return broken.length > 0 && broken.every(isDuration);
}

function isDuration(finding: Finding): boolean {
  const bound = parseBound(finding.expected);
  return bound.ok && bound.value.expectation.kind === "compare" && bound.value.expectation.dimension === "ms";
}
