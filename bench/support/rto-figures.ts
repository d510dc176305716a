/** What a row says of failovers: percentiles, and a small picture of them. */
import type { RtoRound } from "./rto-round.ts";

export type Stage = "decided" | "changed" | "plain" | "proxied";

export const STAGES: readonly Stage[] = ["decided", "changed", "plain", "proxied"];

const WIDTH = 40;

export type Spread = { readonly p50: number; readonly p95: number; readonly max: number };

/** By nearest rank; a round that did not end in time counts as infinite. */
export function spreadOf(rounds: readonly RtoRound[], stage: Stage): Spread {
  const sorted = rounds.map((round) => round[stage]).toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}

export const shownSpread = ({ p50, p95, max }: Spread): string => [p50, p95, max].map((figure) => (Number.isFinite(figure) ? figure.toFixed(1) : "never")).join(" / ");

/** One bar a stage: full until the median, shaded until p95; `|` where the budget ends. */
export function bars(rounds: readonly RtoRound[], names: Readonly<Record<Stage, string>>, budgetS: number): readonly string[] {
  const spreads = STAGES.map((stage) => ({ stage, ...spreadOf(rounds, stage) }));
  const whole = Math.max(budgetS, ...spreads.map(({ p95 }) => p95).filter(Number.isFinite));
  const cell = (seconds: number): number => Math.min(WIDTH, Math.round((seconds / whole) * WIDTH));
  const widest = Math.max(...STAGES.map((stage) => names[stage].length));
  return spreads.map(({ stage, p50, p95, max }) => {
    const drawn = Array.from({ length: WIDTH + 1 }, (_, at) => (at < cell(p50) ? "█" : at < cell(p95) ? "▒" : at === cell(budgetS) ? "|" : " ")).join("");
    return `${names[stage].padEnd(widest)} ${drawn} ${shownSpread({ p50, p95, max })} s`;
  });
}
