/**
 * The grammar of a policy's `trigger:`.
 *
 *     trigger   = all { "or" all }
 *     all       = one { "and" one }                      ("and" binds tighter)
 *     one       = "(" trigger ")" | condition
 *     condition = CHECK "fails" N "consecutive" "times"
 *               | METRIC ">" X "%" "for" DURATION        
 *               | CHECK "error" "rate" ">" X "%"
 *               | "region" NAME "is" "unhealthy"
 *               | "CRON" "\"five fields\""
 *
 * Errors are values that point at the word. Keywords may be written in any case.
 */
import { parseCron } from "./cron.ts";
import { nearest } from "./nearest.ts";
import type { Trigger } from "./policy.ts";
import type { Ms } from "./time.ts";
import { formatDuration, parseDuration } from "./time.ts";
import { MAX_SUSTAINED_MS } from "./trigger.ts";
import type { Token, TriggerProblem } from "./trigger-tokens.ts";
import { found, tokenize, TriggerReader, TriggerSyntax } from "./trigger-tokens.ts";

export type { TriggerProblem } from "./trigger-tokens.ts";

/** Words a trigger may use. */
export type TriggerNames = {
  readonly checks: ReadonlySet<string>;
  /** Names of measured facts: "cpu_usage". "CPU" and "memory" are read as cpu_usage and memory_usage. */
  readonly metrics: ReadonlySet<string>;
  readonly regions: ReadonlySet<string>;
};

export type ParsedTrigger =
  | { readonly kind: "trigger"; readonly trigger: Trigger }
  | { readonly kind: "problem"; readonly problem: TriggerProblem };

/** Longest text read, in characters. */
export const MAX_TRIGGER_LENGTH = 1_000;
/** Parentheses within parentheses. */
const MAX_DEPTH = 16;
/** Most consecutive failures that can be asked for. */
const MAX_TIMES = 1_000;

const METRIC_WORDS: Readonly<Record<string, string>> = { cpu: "cpu_usage", memory: "memory_usage" };
const DURATION_WORDS: Readonly<Record<string, string>> = {
  second: "s", seconds: "s", sec: "s", minute: "m", minutes: "m", min: "m", hour: "h", hours: "h", s: "s", m: "m", h: "h",
};

/** Reads a trigger. Never throws; the first problem ends it. */
export function parseTrigger(text: string, names: TriggerNames): ParsedTrigger {
  if (text.length > MAX_TRIGGER_LENGTH) {
    return { kind: "problem", problem: { offset: MAX_TRIGGER_LENGTH, length: text.length - MAX_TRIGGER_LENGTH, found: "", expected: `at most ${MAX_TRIGGER_LENGTH} characters`, nearest: null } };
  }
  try {
    const reader = new TriggerReader(tokenize(text));
    const trigger = anyOf(reader, names, 0);
    if (reader.peek().kind !== "end") throw reader.problem(`"and", "or" or the end`, ["and", "or"]);
    return { kind: "trigger", trigger };
  } catch (error) {
    if (error instanceof TriggerSyntax) return { kind: "problem", problem: error.problem };
    throw error;
  }
}

function anyOf(reader: TriggerReader, names: TriggerNames, depth: number): Trigger {
  const first = allOf(reader, names, depth);
  const any = [first];
  while (reader.skipWord("or")) any.push(allOf(reader, names, depth));
  return any.length === 1 ? first : { kind: "or", any };
}

function allOf(reader: TriggerReader, names: TriggerNames, depth: number): Trigger {
  const first = one(reader, names, depth);
  const all = [first];
  while (reader.skipWord("and")) all.push(one(reader, names, depth));
  return all.length === 1 ? first : { kind: "and", all };
}

function one(reader: TriggerReader, names: TriggerNames, depth: number): Trigger {
  if (reader.peek().text !== "(" || reader.peek().kind !== "sign") return condition(reader, names);
  if (depth >= MAX_DEPTH) throw reader.problem(`at most ${MAX_DEPTH} parentheses within each other`, []);
  reader.next();
  const inner = anyOf(reader, names, depth + 1);
  reader.sign(")");
  return inner;
}

function condition(reader: TriggerReader, names: TriggerNames): Trigger {
  if (reader.isWord("cron")) return cron(reader);
  if (reader.isWord("region")) return region(reader, names);
  const subject = reader.peek();
  const known = [...names.checks, ...names.metrics];
  if (subject.kind !== "word") throw reader.problem(`a check, a metric, "region" or "CRON"`, []);
  reader.next();
  // What follows tells what the word must be, so that the error names the right kind.
  if (reader.isWord("fails")) return fails(reader, subject, names);
  if (reader.isWord("error")) return errorRate(reader, subject, names);
  if (reader.peek().text === ">") return sustained(reader, subject, names);
  if (names.checks.has(subject.text)) throw reader.problem(`"fails" or "error rate"`, ["fails", "error"]);
  if (metricOf(subject.text, names) !== null) throw reader.problem(`">"`, []);
  throw new TriggerSyntax(found(subject, `a check, a metric, "region" or "CRON"`, nearest(subject.text, [...known, "region", "CRON"])));
}

function fails(reader: TriggerReader, subject: Token, names: TriggerNames): Trigger {
  const check = knownCheck(subject, names);
  reader.word("fails");
  const count = reader.peek();
  const times = Number(count.text);
  if (count.kind !== "number" || !Number.isInteger(times) || times < 1 || times > MAX_TIMES) throw reader.problem(`a whole number from 1 to ${MAX_TIMES}`, []);
  reader.next();
  reader.word("consecutive");
  reader.word("times", times === 1 ? ["time"] : []);
  return { kind: "fails", check, times };
}

function errorRate(reader: TriggerReader, subject: Token, names: TriggerNames): Trigger {
  const check = knownCheck(subject, names);
  reader.word("error");
  reader.word("rate");
  reader.sign(">");
  return { kind: "error_rate", check, overPercent: percentage(reader) };
}

function sustained(reader: TriggerReader, subject: Token, names: TriggerNames): Trigger {
  const metric = metricOf(subject.text, names);
  if (metric === null) throw new TriggerSyntax(found(subject, "a metric", nearest(subject.text, names.metrics)));
  reader.sign(">");
  const over = percentage(reader);
  reader.word("for");
  const forMs = duration(reader);
  return { kind: "sustained", metric, over, forMs };
}

function region(reader: TriggerReader, names: TriggerNames): Trigger {
  reader.next();
  const name = reader.peek();
  if (name.kind !== "word" || !names.regions.has(name.text)) throw reader.problem("a region", names.regions);
  reader.next();
  reader.word("is");
  reader.word("unhealthy");
  return { kind: "region", region: name.text };
}

function cron(reader: TriggerReader): Trigger {
  reader.next();
  const fields = reader.peek();
  if (fields.kind !== "string") throw reader.problem(`five fields in double quotes, such as "0 4 * * *"`, []);
  if (parseCron(fields.text) === undefined) throw reader.problem("five cron fields: minute, hour, day of month, month, weekday", []);
  reader.next();
  return { kind: "cron", expression: fields.text };
}

function knownCheck(subject: Token, names: TriggerNames): string {
  if (names.checks.has(subject.text)) return subject.text;
  throw new TriggerSyntax(found(subject, "a check", nearest(subject.text, names.checks)));
}

function metricOf(written: string, names: TriggerNames): string | null {
  const metric = names.metrics.has(written) ? written : (METRIC_WORDS[written.toLowerCase()] ?? written);
  return names.metrics.has(metric) ? metric : null;
}

function percentage(reader: TriggerReader): number {
  const value = reader.peek();
  if (value.kind !== "number") throw reader.problem("a percentage such as 70%", []);
  reader.next();
  reader.sign("%");
  return Number(value.text);
}

function duration(reader: TriggerReader): Ms {
  const first = reader.peek();
  const wanted = `a duration such as 2m, at most ${formatDuration(MAX_SUSTAINED_MS)}`;
  let text = first.text;
  if (first.kind !== "number" && first.kind !== "word") throw reader.problem(wanted, []);
  if (first.kind === "number") {
    const unit = reader.peek(1);
    const short = unit.kind === "word" ? DURATION_WORDS[unit.text.toLowerCase()] : undefined;
    if (short === undefined) {
      reader.next();
      throw reader.problem("a unit of time: s, m, h, seconds, minutes or hours", Object.keys(DURATION_WORDS));
    }
    text = `${first.text}${short}`;
  }
  const ms = parseDuration(text);
  if (ms === undefined || ms < 1_000 || ms > MAX_SUSTAINED_MS) throw reader.problem(wanted, []);
  reader.next();
  if (first.kind === "number") reader.next();
  return ms;
}
