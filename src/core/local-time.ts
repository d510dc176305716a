/**
 * Wall time in a time zone, and the windows that people write in it.
 */
import type { Window } from "./policy.ts";
import type { Ms } from "./time.ts";

export type LocalTime = {
  readonly month: number;
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
};

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MINUTE: Ms = 60_000;
const DAY_MINUTES = 1_440;

// Building a formatter costs far more than using it; there are a few hundred zones at most.
const formats = new Map<string, Intl.DateTimeFormat>();

/** Takes `wall` (epoch milliseconds) apart in an IANA zone. @throws {RangeError} when there is no such zone. */
export function localTime(wall: number, timeZone: string): LocalTime {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", { timeZone, month: "numeric", day: "numeric", weekday: "short", hour: "numeric", minute: "numeric", hourCycle: "h23" });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(wall).map((part) => [part.type, part.value]));
  return {
    month: Number(parts["month"]),
    day: Number(parts["day"]),
    weekday: WEEKDAYS.indexOf(parts["weekday"] ?? ""),
    hour: Number(parts["hour"]),
    minute: Number(parts["minute"]),
  };
}

/**
 * How long the window still lasts at `wall`; null when it is not open.
 *
 * A day counts by the day on which the window began. A change of daylight saving
 * within it moves its end; whoever waits asks again at the end.
 */
export function windowRemaining(window: Window, wall: number): Ms | null {
  const local = localTime(wall, window.timeZone);
  const minute = local.hour * 60 + local.minute;
  const began = (daysAgo: number): boolean => window.days.length === 0 || window.days.includes((local.weekday + 7 - daysAgo) % 7);
  const overMidnight = window.toMinute <= window.fromMinute;
  const today = minute >= window.fromMinute && (overMidnight || minute < window.toMinute) && began(0);
  const sinceYesterday = overMidnight && minute < window.toMinute && began(1);
  if (!today && !sinceYesterday) return null;
  const end = today && overMidnight ? window.toMinute + DAY_MINUTES : window.toMinute;
  return (end - minute) * MINUTE - (wall % MINUTE);
}
