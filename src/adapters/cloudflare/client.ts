/**
 * A small client of Cloudflare's API v4. What only reads is asked again within its time; what changes something is sent
 * once, and where nothing says what became of it, that is the answer.
 *
 * One for each token: the rate limit and the lock-out belong to it. The token is in no error and in no log.
 */
import type * as z from "zod";
import { Secret } from "../../config/secret.ts";
import { shortened } from "../../core/shortened.ts";
import type { Instant, Ms } from "../../core/time.ts";
import { sleep, type Clock } from "../../ports/clock.ts";
import type { Http, HttpAnswer, HttpFailure } from "../../ports/http.ts";
import { TrafficError } from "../../ports/traffic.ts";
import { meaningOf, type Meaning } from "./meaning.ts";
import { rateLimitOf, type RateLimit } from "./rate-limit.ts";
import { API_URL, type Target } from "./schemas.ts";

/** One call. Two that hang leave time for a third within TRAFFIC_DEADLINE_MS. */
const CALL_MS: Ms = 1_500;
/** Before each repetition of a call that only reads. */
const BACK_OFF_MS: readonly Ms[] = [100, 400];
/** A refusal for longer than this is not waited for within a call. */
const MAX_WAIT_MS: Ms = 1_000;
/** A hundred records are about 60 KB. */
const MAX_BODY_BYTES = 262_144;

/** Until when, and by whose signal, a call may last. */
export type Until = { readonly at: Instant; readonly signal: AbortSignal };

/** Of a change that was not refused. `uncertain`: nothing says whether it was made. */
export type Written = { readonly kind: "accepted" } | { readonly kind: "uncertain"; readonly detail: string };

export type CloudflareClientParts = {
  readonly http: Http;
  readonly clock: Clock;
  readonly token: Secret;
  /** Default: API_URL. */
  readonly baseUrl?: string;
};

type Call = { readonly target: Target; readonly body?: string };
type Turn<T> = Meaning<T> | { readonly kind: "unsent"; readonly detail: string };

export class CloudflareClient {
  readonly #parts: CloudflareClientParts;
  readonly #baseUrl: string;
  #lockedUntil: Instant = 0;
  #limit: (RateLimit & { readonly resetsAt: Instant }) | null = null;

  constructor(parts: CloudflareClientParts) {
    this.#parts = parts;
    this.#baseUrl = parts.baseUrl ?? API_URL;
  }

  /** As last told; null: not told yet, or that window is over. */
  get rateLimit(): RateLimit | null {
    const left = (this.#limit?.resetsAt ?? 0) - this.#parts.clock.now();
    return this.#limit === null || left <= 0 ? null : { remaining: this.#limit.remaining, resetsInMs: left, quota: this.#limit.quota };
  }

  url(target: Target): string {
    return `${this.#baseUrl}${target.path}`;
  }

  /** @throws {TrafficError} as `Traffic` says; never UNCERTAIN. */
  async get<Result extends z.ZodType>(target: Target<Result>, until: Until): Promise<z.infer<Result>> {
    let problem = "no time was left to ask";
    for (let attempt = 0; attempt <= BACK_OFF_MS.length; attempt++) {
      if (attempt > 0 && !(await this.#pause(BACK_OFF_MS[attempt - 1] ?? 0, until))) break;
      const turn = await this.#turn({ target }, target.operation.result, until);
      if (turn.kind === "result") return turn.result;
      problem = turn.detail;
      if (turn.kind !== "refused") continue;
      const waits = turn.code === "RATE_LIMITED" && turn.retryAfterMs <= MAX_WAIT_MS;
      if (!waits || !(await this.#pause(turn.retryAfterMs, until))) throw this.#error(turn.code, target, turn.detail, turn.retryAfterMs);
    }
    throw this.#error("UNAVAILABLE", target, problem);
  }

  /**
   * Sends it once.
   *
   * @throws {TrafficError} where it was refused or never sent: nothing was changed.
   */
  async patch(target: Target, body: object, until: Until): Promise<Written> {
    const turn = await this.#turn({ target, body: JSON.stringify(body) }, target.operation.result, until);
    switch (turn.kind) {
      case "result":
        return { kind: "accepted" };
      case "unclear":
        return { kind: "uncertain", detail: this.#told(target, turn.detail) };
      case "refused":
        throw this.#error(turn.code, target, turn.detail, turn.retryAfterMs);
      case "unsent":
        throw this.#error("UNAVAILABLE", target, turn.detail);
    }
  }

  async #turn<Schema extends z.ZodType>(call: Call, schema: Schema, until: Until): Promise<Turn<z.infer<Schema>>> {
    const held = this.#held();
    if (held !== null) return held;
    const left = until.at - this.#parts.clock.now();
    if (until.signal.aborted || left < 1) return { kind: "unsent", detail: "no time was left to ask" };
    const answer = await this.#parts.http.request({
      method: call.target.operation.method,
      url: this.url(call.target),
      headers: { authorization: `Bearer ${this.#parts.token.reveal()}`, accept: "application/json", ...(call.body === undefined ? {} : { "content-type": "application/json" }) },
      ...(call.body === undefined ? {} : { body: call.body }),
      deadlineMs: Math.min(CALL_MS, left), maxBodyBytes: MAX_BODY_BYTES, connection: "reuse", signal: until.signal,
    });
    if (answer.kind === "failed") return { kind: neverSent(answer) ? "unsent" : "unclear", detail: `${answer.cause}: ${answer.detail}` };
    const meaning = meaningOf(answer, schema);
    this.#note(answer, meaning);
    return meaning;
  }

  /** A call while locked out, or with the window used up, would be refused, the latter with five minutes for all. */
  #held(): Extract<Turn<never>, { kind: "refused" }> | null {
    const now = this.#parts.clock.now();
    const used = this.#limit !== null && this.#limit.remaining === 0 ? this.#limit.resetsAt : 0;
    const until = Math.max(this.#lockedUntil, used);
    if (now >= until) return null;
    const why = this.#lockedUntil >= used ? "Cloudflare locked this token out" : "the calls of this window are used up";
    const at = new Date(this.#parts.clock.wall() + (until - now)).toISOString();
    return { kind: "refused", code: "RATE_LIMITED", detail: `${why} until ${at}; nothing was sent`, retryAfterMs: until - now };
  }

  #note(answer: HttpAnswer, meaning: Meaning<unknown>): void {
    const now = this.#parts.clock.now();
    const limit = rateLimitOf(answer.headers);
    if (limit !== null) this.#limit = { ...limit, resetsAt: now + limit.resetsInMs };
    if (meaning.kind === "refused" && meaning.code === "RATE_LIMITED") this.#lockedUntil = Math.max(this.#lockedUntil, now + meaning.retryAfterMs);
  }

  /** @returns whether there is still time after it. */
  async #pause(ms: Ms, { at, signal }: Until): Promise<boolean> {
    if (signal.aborted || this.#parts.clock.now() + ms >= at) return false;
    await sleep(this.#parts.clock, ms, signal);
    return !signal.aborted;
  }

  #error(code: TrafficError["code"], target: Target, detail: string, retryAfterMs: Ms = 0): TrafficError {
    return new TrafficError(code, this.#told(target, detail), { retryAfterMs });
  }

  /** What others say may repeat the token. */
  #told({ operation, path }: Target, detail: string): string {
    return Secret.conceal(shortened(`${operation.method} ${path}: ${detail}`, 600), [this.#parts.token]);
  }
}

/** Only what certainly ended before a request was on its way. */
function neverSent({ cause, noNetwork, answered }: HttpFailure): boolean {
  return !answered && (cause === "resolve" || (cause === "refused" && !noNetwork));
}
