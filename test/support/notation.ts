/**
 * A little notation for runs of looks: `.` pass, `w` warn, `x` fail, `?` unknown, `!` exited.
 * One character a look, one look every 10 s.
 */
import type { Thresholds } from "../../src/core/check.ts";
import type { CheckState } from "../../src/core/check-state.ts";
import { initialState, observe } from "../../src/core/check-state.ts";
import type { Observation } from "../../src/core/observation.ts";
import type { Instant, Ms } from "../../src/core/time.ts";

export const START: Instant = 1_000_000;
export const STEP: Ms = 10_000;
export const USUAL: Thresholds = { fall: 3, rise: 2 };

export type Sign = "." | "w" | "x" | "?" | "!";

/** The instant of the nth look of a run, from 0. */
export function instantOf(index: number): Instant {
  return START + (index + 1) * STEP;
}

export function signsOf(run: string): readonly Sign[] {
  return [...run].map((sign) => {
    if (!isSign(sign)) throw new Error(`"${sign}" is not in the notation`);
    return sign;
  });
}

/** One observation by its sign. */
export function look(sign: Sign, at: Instant, facts: Readonly<Record<string, number>> = {}): Observation {
  const common = { at, tookMs: 20, findings: [], facts };
  switch (sign) {
    case ".":
      return { kind: "pass", ...common };
    case "w":
      return { kind: "warn", ...common, cause: "assertion", detail: "response_time is 900ms, expected < 500ms" };
    case "x":
      return { kind: "fail", ...common, cause: "status", detail: "503" };
    case "!":
      return { kind: "fail", ...common, cause: "exited", detail: "exit code 1" };
    case "?":
      return { kind: "unknown", at, tookMs: 20, cause: "internal", detail: "the look broke" };
  }
}

export function looksOf(run: string): readonly Observation[] {
  return signsOf(run).map((sign, index) => look(sign, instantOf(index)));
}

/** Folds a run into a state, from the first look on. */
export function replay(run: string, thresholds: Thresholds = USUAL): CheckState {
  return looksOf(run).reduce((state, seen) => observe(state, seen, thresholds), initialState(START));
}

/** The state before the run and after each of its looks. */
export function replayAll(run: string, thresholds: Thresholds = USUAL): readonly CheckState[] {
  const states = [initialState(START)];
  for (const seen of looksOf(run)) states.push(observe(states.at(-1) ?? initialState(START), seen, thresholds));
  return states;
}

function isSign(text: string): text is Sign {
  return text === "." || text === "w" || text === "x" || text === "?" || text === "!";
}
