/**
 * Five cron fields: minute, hour, day of month, month, weekday (0 and 7 are Sunday).
 *
 * Lists, ranges and steps; where both days are restricted either suffices, as in
 * Vixie cron. A calendar, not a cadence: probes never run by it.
 */
import { localTime } from "./local-time.ts";

/** Numbers that match, field by field. */
export type Cron = {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** The day of month, or the weekday, was left open with "*". */
  readonly anyDay: boolean;
  readonly anyWeekday: boolean;
};

/** @returns undefined where the text is not five fields within their ranges. */
export function parseCron(text: string): Cron | undefined {
  const fields = text.trim().split(/\s+/);
  const [minute, hour, day, month, weekday] = fields;
  if (fields.length !== 5 || minute === undefined || hour === undefined || day === undefined || month === undefined || weekday === undefined) return undefined;
  const minutes = parseField(minute, 0, 59);
  const hours = parseField(hour, 0, 23);
  const days = parseField(day, 1, 31);
  const months = parseField(month, 1, 12);
  const weekdays = parseField(weekday, 0, 7);
  if (minutes === undefined || hours === undefined || days === undefined || months === undefined || weekdays === undefined) return undefined;
  const folded = new Set([...weekdays].map((number) => number % 7));
  return { minutes, hours, days, months, weekdays: folded, anyDay: day.startsWith("*"), anyWeekday: weekday.startsWith("*") };
}

/** Whether the minute of `wall` (epoch milliseconds) matches in that zone. */
export function cronMatches(cron: Cron, wall: number, timeZone: string): boolean {
  const local = localTime(wall, timeZone);
  if (!cron.minutes.has(local.minute) || !cron.hours.has(local.hour) || !cron.months.has(local.month)) return false;
  const day = cron.days.has(local.day);
  const weekday = cron.weekdays.has(local.weekday);
  return cron.anyDay || cron.anyWeekday ? day && weekday : day || weekday;
}

function parseField(text: string, min: number, max: number): ReadonlySet<number> | undefined {
  const numbers = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part);
    if (match === null) return undefined;
    const [, low, high, every] = match;
    const from = low === undefined ? min : Number(low);
    // "5/15" means from 5 on, as cron implementations have it.
    const to = high !== undefined ? Number(high) : low === undefined || every !== undefined ? max : from;
    const step = every === undefined ? 1 : Number(every);
    if (from < min || to > max || from > to || step < 1) return undefined;
    for (let number = from; number <= to; number += step) numbers.add(number);
  }
  return numbers;
}
