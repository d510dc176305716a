/**
 * Instants and durations. Core never reads a clock: time arrives as an argument.
 */

/**
 * Milliseconds since the Unix epoch on a clock that never jumps while the
 * process lives (the wall time at start plus monotonic time since then).
 */
export type Instant = number;

/** A length of time in milliseconds. */
export type Ms = number;

const UNITS: Readonly<Record<string, Ms>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PART = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)/;

/**
 * Reads "250ms", "10s", "2m", "1h30m", "30d"; a bare number or an unknown unit is no duration.
 *
 * @returns milliseconds, or undefined where the text is not a duration.
 */
export function parseDuration(text: string): Ms | undefined {
  let rest = text.trim();
  if (rest === "") return undefined;
  let total = 0;
  while (rest !== "") {
    const part = PART.exec(rest);
    if (part === null) return undefined;
    total += Number(part[1]) * (UNITS[part[2] ?? ""] ?? 0);
    rest = rest.slice(part[0].length).trimStart();
  }
  return Math.round(total);
}

/** Writes a duration as people read it: "250ms", "10s", "2m", "1h30m". Drops what is below a hundredth of the whole. */
export function formatDuration(ms: Ms): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${trim(ms / 1_000)}s`;
  if (ms < 3_600_000) return pair(ms, 60_000, "m", 1_000, "s");
  if (ms < 172_800_000) return pair(ms, 3_600_000, "h", 60_000, "m");
  return pair(ms, 86_400_000, "d", 3_600_000, "h");
}

function pair(ms: Ms, big: Ms, bigUnit: string, small: Ms, smallUnit: string): string {
  const whole = Math.floor(ms / big);
  const rest = Math.floor((ms - whole * big) / small);
  return rest === 0 ? `${whole}${bigUnit}` : `${whole}${bigUnit}${rest}${smallUnit}`;
}

function trim(seconds: number): string {
  return String(Math.round(seconds * 100) / 100);
}
