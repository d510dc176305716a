/**
 * What regions and witnesses say to each other: a question with a nonce, and an answer with votes and a word on the own region.
 *
 * Texts of a few hundred bytes, signed as they are; see adapters/region-signature.ts. What is not exactly such a text is none.
 */
import type { SiteStatus } from "../status.ts";
import type { Parity } from "./fitness.ts";
import { MAX_MARKED_NAME } from "./mark.ts";
import type { OutsideVerdict } from "./outside.ts";
import { MAX_REGIONS, type RegionName } from "./region.ts";
import type { RegionReport } from "./report.ts";
import type { Ballot, Vote } from "./vote.ts";

/** Bytes of either text. */
export const MAX_EXCHANGE_BYTES = 8_192;
const MAX_REASON = 200;

export type RegionQuestion = Pick<Ballot, "nonce" | "about">;

export type RegionAnswer = {
  readonly nonce: string;
  readonly observer: string;
  readonly votes: readonly Vote[];
  /** Of the region it is the daemon of; null: it is a witness, or not ready to say. */
  readonly report: RegionReport | null;
};

export function formatQuestion({ nonce, about }: RegionQuestion): string {
  return JSON.stringify({ nonce, about });
}

export function parseQuestion(text: string): RegionQuestion | null {
  const raw = fieldsOf(text);
  const { nonce, about } = raw ?? {};
  if (!isNonce(nonce) || !Array.isArray(about) || about.length > MAX_REGIONS || !about.every(isName)) return null;
  return { nonce, about };
}

export function formatAnswer({ nonce, observer, votes, report }: RegionAnswer): string {
  const said = report === null ? null : { ...report, givesUp: report.givesUp === null ? null : report.givesUp.slice(0, MAX_REASON) };
  return JSON.stringify({ nonce, observer, votes: votes.map(({ about, says, copiesForMs, vetoed }) => ({ about, says, copiesForMs, vetoed })), report: said });
}

export function parseAnswer(text: string): RegionAnswer | null {
  const raw = fieldsOf(text);
  const { nonce, observer, votes, report } = raw ?? {};
  if (!isNonce(nonce) || !isName(observer) || !Array.isArray(votes) || votes.length > MAX_REGIONS) return null;
  const parsed = votes.map((vote: unknown) => parseVote(vote, nonce, observer));
  const said = report === null ? null : parseReport(report);
  if (said === undefined || !parsed.every((vote) => vote !== null)) return null;
  return { nonce, observer, votes: parsed, report: said };
}

function parseVote(raw: unknown, nonce: string, observer: string): Vote | null {
  const { about, says, copiesForMs, vetoed } = objectOf(raw) ?? {};
  return isName(about) && isOneOf(VERDICTS, says) && isLength(copiesForMs) && typeof vetoed === "boolean" ? { nonce, observer, about, says, copiesForMs, vetoed } : null;
}

/** undefined: it is none. */
function parseReport(raw: unknown): RegionReport | undefined {
  const { region, status, selling, ready, parity, givesUp, outside, mark } = objectOf(raw) ?? {};
  if (!isName(region) || !isOneOf(STATUSES, status) || typeof selling !== "boolean" || !isLength(ready) || !isOneOf(PARITIES, parity) || !isOneOf(VERDICTS, outside)) return undefined;
  const seen = mark === null ? null : parseSeen(mark);
  if (seen === undefined || !(givesUp === null || (typeof givesUp === "string" && givesUp.length <= MAX_REASON))) return undefined;
  return { region, status, selling, ready, parity, givesUp, outside, mark: seen };
}

function parseSeen(raw: unknown): RegionReport["mark"] | undefined {
  const { region, epoch, seenForMs } = objectOf(raw) ?? {};
  return isName(region) && isLength(epoch) && isLength(seenForMs) ? { region, epoch, seenForMs } : undefined;
}

const VERDICTS: readonly OutsideVerdict[] = ["up", "down", "copies-only", "unknown"];
const STATUSES: readonly SiteStatus[] = ["healthy", "degraded", "unhealthy", "unknown"];
const PARITIES: readonly Parity[] = ["proven", "failed", "not_measured"];

function isOneOf<T extends string>(all: readonly T[], value: unknown): value is T {
  return all.includes(value as T);
}

function isName(value: unknown): value is RegionName {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_MARKED_NAME;
}

function isNonce(value: unknown): value is string {
  return typeof value === "string" && /^[\w-]{16,64}$/.test(value);
}

/** A number that nobody has to look at twice: not negative, no infinity. */
function isLength(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && Number.isFinite(value);
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> | null {
  if (text.length > MAX_EXCHANGE_BYTES) return null;
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return null;
  }
}

function objectOf(raw: unknown): Readonly<Record<string, unknown>> | null {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw) ? (raw as Readonly<Record<string, unknown>>) : null;
}
