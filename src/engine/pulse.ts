/**
 * The pulse of local applications: knows of a death or a freeze between two looks.
 *
 * One idle connection per target is held open. The kernel closes it the moment the
 * process dies, which starts three knocks 100 ms apart; if none is answered the
 * pulse is lost. Every 2 s a beat asks the application itself, because a frozen
 * process keeps its connections. A busy application can miss a beat, so a missed one
 * only starts the same three knocks; and a lost pulse may only open a breaker, which
 * is harmless when wrong. A restart needs the check's own verdict.
 */
import type { FailCause } from "../core/observation.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Http, HttpAnswer, HttpFailure } from "../ports/http.ts";
import type { PulseSocket } from "../ports/pulse-socket.ts";

/** Between beats while all is well. */
const BEAT_MS: Ms = 2_000;
/** Between beats while the pulse is lost: how soon a return is seen. */
const LOST_BEAT_MS: Ms = 500;
/** An application that does not answer a knock within this is frozen, or very busy. */
const KNOCK_DEADLINE_MS: Ms = 500;
const KNOCKS = 3;
const KNOCK_GAP_MS: Ms = 100;
/** A knock this much later than its deadline was late because of us. */
const OWN_LAG_MS: Ms = 100;
/** Share of the server's own idle timeout after which the connection is renewed, so that it seldom closes it. */
const RENEW_SHARE = 0.8;
/** A server that closes idle connections sooner than this gets one only every `HOLD_PAUSE_MS`. */
const SHORT_HOLD_MS: Ms = 2_000;
const HOLD_PAUSE_MS: Ms = 30_000;

export type PulseTarget = {
  readonly id: TargetId;
  /** What is knocked at with HEAD, and any answer counts; so choose something cheap: "http://127.0.0.1:3000/health". */
  readonly url: string;
  /**
   * An earlier watch ended while it was lost, and what was done about it stands: `lost` or `back` is said
   * at once. Default: false.
   */
  readonly wasLost?: boolean;
};

export type PulseLoss = {
  readonly target: TargetId;
  /** How the last knock failed. `refused`: nobody listens. `timeout`: it is there and silent. */
  readonly cause: FailCause;
  readonly detail: string;
  /** When the first sign was noticed: the connection's end, or the missed beat. */
  readonly since: Instant;
  readonly at: Instant;
};

export type PulseEvents = {
  /** Once, when the pulse is lost. */
  lost(loss: PulseLoss): void;
  /** Every half second while it stays lost, so that an expiring hold can be renewed. */
  still(loss: PulseLoss): void;
  /** Once, at the first answer after a loss. */
  back(target: TargetId, at: Instant): void;
};

export type PulseParts = {
  readonly clock: Clock;
  readonly http: Http;
  readonly socket: PulseSocket;
  readonly events: PulseEvents;
  /** When others (the gateway) last saw it answer; a later sign than ours means that it lives. */
  readonly answeredAt?: (target: TargetId) => Instant | null;
};

export type Pulse = { stop(): void };

/** Starts feeling the pulse of each target; they share nothing. */
export function startPulse(targets: readonly PulseTarget[], parts: PulseParts): Pulse {
  const felt = targets.map((target) => new Felt(target, parts));
  for (const each of felt) each.start();
  return { stop: () => felt.forEach((each) => each.stop()) };
}

/** Why a pulse is doubted. */
type Sign =
  | { readonly kind: "missed" }
  | { readonly kind: "was_lost" }
  /** The connection held; `openedAt` null: it never was open. */
  | { readonly kind: "closed"; readonly openedAt: Instant | null; readonly detail: string };

/** One target's pulse. */
class Felt {
  readonly #target: PulseTarget;
  readonly #parts: PulseParts;
  readonly #stopped = new AbortController();
  #mode: "beating" | "doubting" | "lost" = "beating";
  #loss: PulseLoss | null = null;
  #cancelBeat = (): void => {};
  #release = (): void => {};
  #holding = false;
  #cancelHold = (): void => {};
  /** The server's idle timeout as far as seen; Infinity: it never closed one. */
  #learnedIdle: Ms = Infinity;

  constructor(target: PulseTarget, parts: PulseParts) {
    this.#target = target;
    this.#parts = parts;
  }

  start(): void {
    this.#hold();
    if (this.#target.wasLost === true) void this.#doubt({ kind: "was_lost" });
    else this.#beatIn(BEAT_MS);
  }

  stop(): void {
    this.#stopped.abort();
    this.#cancelBeat();
    this.#letGo();
  }

  #now(): Instant {
    return this.#parts.clock.now();
  }

  // --- the connection held -------------------------------------------------

  #hold(): void {
    this.#letGo();
    let openedAt: Instant | null = null;
    this.#holding = true;
    this.#release = this.#parts.socket.hold(this.#target.url, {
      opened: () => {
        openedAt = this.#now();
        if (this.#learnedIdle !== Infinity) {
          this.#cancelHold = this.#parts.clock.after(this.#learnedIdle * RENEW_SHARE, () => this.#hold());
        }
      },
      closed: (detail) => {
        this.#cancelHold();
        this.#holding = false;
        if (this.#mode === "beating") void this.#doubt({ kind: "closed", openedAt, detail });
      },
    });
  }

  #letGo(): void {
    this.#cancelHold();
    this.#release();
    this.#release = () => {};
    this.#holding = false;
  }

  /** The target lives, so the server closed an idle connection: learn when it does. */
  #holdAgain(heldFor: Ms | null): void {
    if (heldFor !== null && heldFor >= SHORT_HOLD_MS) {
      this.#learnedIdle = Math.min(this.#learnedIdle, heldFor);
      return this.#hold();
    }
    this.#cancelHold();
    this.#cancelHold = this.#parts.clock.after(HOLD_PAUSE_MS, () => this.#hold());
  }

  // --- beats ---------------------------------------------------------------

  #beatIn(delay: Ms): void {
    this.#cancelBeat();
    this.#cancelBeat = this.#parts.clock.after(delay, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    const result = await this.#knock("reuse");
    if (this.#stopped.signal.aborted) return;
    switch (this.#mode) {
      case "beating":
        if (says(result) === "silent") return void this.#doubt({ kind: "missed" });
        return this.#beatIn(BEAT_MS);
      case "lost":
        this.#afterLostBeat(result);
        return this.#beatIn(this.#loss === null ? BEAT_MS : LOST_BEAT_MS);
      case "doubting":
        // The connection closed while this beat was under way; the knocks decide and set the next beat.
        return;
    }
  }

  #afterLostBeat(result: HttpAnswer | HttpFailure): void {
    const loss = this.#loss;
    if (loss === null) return;
    if (says(result) !== "alive") return this.#parts.events.still({ ...loss, at: this.#now() });
    this.#mode = "beating";
    this.#loss = null;
    // Another process may have another idle timeout.
    this.#learnedIdle = Infinity;
    this.#hold();
    this.#parts.events.back(this.#target.id, this.#now());
  }

  // --- doubt ---------------------------------------------------------------

  /** Three knocks; one answer ends the doubt, three failures confirm it. */
  async #doubt(sign: Sign): Promise<void> {
    const since = this.#now();
    this.#mode = "doubting";
    this.#cancelBeat();
    const verdict = await this.#knockThrice();
    if (this.#stopped.signal.aborted) return;
    // Where nobody listens, an answer seen a moment ago was the last one.
    const alive = verdict === null || (verdict.cause === "timeout" && this.#answeredElsewhere(since));
    if (alive) {
      this.#mode = "beating";
      if (!this.#holding) this.#holdAgain(sign.kind === "closed" && sign.openedAt !== null ? since - sign.openedAt : null);
      if (sign.kind === "was_lost") this.#parts.events.back(this.#target.id, this.#now());
      return this.#beatIn(BEAT_MS);
    }
    this.#mode = "lost";
    this.#letGo();
    this.#loss = { target: this.#target.id, cause: verdict.cause, detail: `${textOf(sign)}; ${verdict.detail}`, since, at: this.#now() };
    this.#parts.events.lost(this.#loss);
    this.#beatIn(LOST_BEAT_MS);
  }

  #answeredElsewhere(since: Instant): boolean {
    const at = this.#parts.answeredAt?.(this.#target.id) ?? null;
    return at !== null && at > since;
  }

  /** @returns null when one was answered, or when none could be asked; else how the last one failed. */
  #knockThrice(): Promise<HttpFailure | null> {
    return new Promise((resolve) => {
      let left = KNOCKS;
      let failure: HttpFailure | null = null;
      const one = async (): Promise<void> => {
        const result = await this.#knock("new");
        left -= 1;
        const said = says(result);
        if (said === "silent" && result.kind === "failed") failure = result;
        if (said === "alive") resolve(null);
        else if (left === 0) resolve(failure);
      };
      for (let nth = 0; nth < KNOCKS; nth += 1) {
        this.#parts.clock.after(nth * KNOCK_GAP_MS, () => void one());
      }
    });
  }

  #knock(connection: "reuse" | "new"): Promise<HttpAnswer | HttpFailure> {
    return this.#parts.http.request({
      method: "HEAD",
      url: this.#target.url,
      headers: { "user-agent": "Shopkeeper-Pulse/1.0 (bot)", "accept-encoding": "identity" },
      deadlineMs: KNOCK_DEADLINE_MS,
      maxBodyBytes: 0,
      connection,
      signal: this.#stopped.signal,
    });
  }
}

function textOf(sign: Sign): string {
  switch (sign.kind) {
    case "missed":
      return "a beat was missed";
    case "was_lost":
      return "it was lost before";
    case "closed":
      return sign.detail;
  }
}

/** `unclear`: what we could not ask, or asked too late ourselves, is no evidence of death. */
function says(result: HttpAnswer | HttpFailure): "alive" | "silent" | "unclear" {
  if (result.kind === "answer" || result.answered) return "alive";
  const late = result.cause === "timeout" && result.tookMs > KNOCK_DEADLINE_MS + OWN_LAG_MS;
  return result.noNetwork || late ? "unclear" : "silent";
}
