/**
 * The Sidecars port over `/health` with the peer token.
 *
 * Several checks look at one pod at the same time: one request tells them all.
 */
import type { SidecarReport } from "../core/sidecar-report.ts";
import { parseSidecarReport } from "../core/sidecar-report.ts";
import type { SiblingWord } from "../core/reach.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Http, HttpAnswer } from "../ports/http.ts";
import type { SidecarAnswer, Sidecars } from "../ports/sidecars.ts";
import { SiblingWords, type Sibling } from "./sibling-words.ts";

/** A sidecar watches one pod: some tens of checks, a few hundred bytes each. */
const MAX_BODY_BYTES = 256 * 1024;

export type SidecarHealthOptions = {
  readonly clock: Clock;
  readonly http: Http;
  /** "10.0.0.3:9470"; null: there is no sidecar (any more). */
  readonly address: (target: TargetId) => string | null;
  /** null: they will tell words only, which is refused. */
  readonly token: string | null;
  /** Other pods of the same workload; asked about one that is silent. */
  readonly siblings: (target: TargetId) => readonly TargetId[];
};

type Held = { answer: SidecarAnswer | null; report: SidecarReport | null; under_way: Promise<SidecarAnswer> | null };

export class SidecarHealth implements Sidecars {
  readonly #options: SidecarHealthOptions;
  readonly #held = new Map<TargetId, Held>();
  readonly #words: SiblingWords;

  constructor(options: SidecarHealthOptions) {
    this.#options = options;
    this.#words = new SiblingWords({ ...options, siblings: (target) => this.#answering(target) });
  }

  read(target: TargetId, { maxAgeMs, deadlineMs, fresh }: Parameters<Sidecars["read"]>[1]): Promise<SidecarAnswer> | null {
    const address = this.#options.address(target);
    if (address === null) return null;
    const held = this.#held.get(target) ?? { answer: null, report: null, under_way: null };
    this.#held.set(target, held);
    if (held.under_way !== null) return held.under_way;
    if (held.answer !== null && this.#options.clock.now() - held.answer.at <= maxAgeMs) return Promise.resolve(held.answer);
    held.under_way = this.#ask(address, deadlineMs, fresh).then((answer) => {
      held.under_way = null;
      held.answer = answer;
      if (answer.kind === "report") held.report = answer.report;
      if (answer.kind !== "failed") this.#words.forget(target);
      else if (!answer.noNetwork) this.#words.ask(target, address);
      return answer;
    });
    return held.under_way;
  }

  last(target: TargetId): SidecarReport | null {
    return this.#held.get(target)?.report ?? null;
  }

  /**
   * When, by our own clock, its gateway last saw a good page, as it has just said; too late by its answer's way here at most. null: none
   * is known, or it does not answer any more: a pod out of reach is not spared for what it did while it was there.
   */
  lastGoodAt(target: TargetId): Instant | null {
    const answer = this.#held.get(target)?.answer ?? null;
    if (answer?.kind !== "report" || answer.report.lastGoodMsAgo === null) return null;
    return answer.at - answer.report.lastGoodMsAgo;
  }

  word(target: TargetId): SiblingWord | null {
    return this.#words.of(target);
  }

  /** Of pods that are no more nothing is kept. */
  retain(targets: ReadonlySet<TargetId>): void {
    this.#words.retain(targets);
    for (const target of this.#held.keys()) if (!targets.has(target)) this.#held.delete(target);
  }

  /** Those of the siblings that answered last, the newest first. */
  #answering(target: TargetId): readonly Sibling[] {
    const { siblings, address } = this.#options;
    const answered = siblings(target).flatMap((sibling) => {
      const answer = this.#held.get(sibling)?.answer;
      const at = answer?.kind === "report" ? address(sibling) : null;
      return sibling === target || answer == null || at === null ? [] : [{ target: sibling, address: at, answeredAt: answer.at }];
    });
    return answered.toSorted((a, b) => b.answeredAt - a.answeredAt);
  }

  async #ask(address: string, deadlineMs: number, fresh: boolean): Promise<SidecarAnswer> {
    const { http, clock, token } = this.#options;
    const answer = await http.request({
      method: "GET",
      url: `http://${address}/health`,
      headers: { accept: "application/health+json, application/json", ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      deadlineMs,
      maxBodyBytes: MAX_BODY_BYTES,
      connection: fresh ? "new" : "reuse",
    });
    const at = clock.now();
    const { tookMs } = answer;
    if (answer.kind === "failed") return { kind: "failed", at, tookMs, cause: answer.cause, noNetwork: answer.noNetwork, detail: answer.detail };
    const read = readReport(answer);
    return read.kind === "report" ? { kind: "report", at, tookMs, report: read.report } : { kind: "refused", at, tookMs, why: read.why };
  }
}

function readReport({ status, body, bodyCut }: HttpAnswer): ReturnType<typeof parseSidecarReport> {
  if (bodyCut) return { kind: "refused", code: "too_large", why: `more than ${MAX_BODY_BYTES} bytes` };
  // A pod that is not well answers 503, and says why.
  if (status !== 200 && status !== 503) return { kind: "refused", code: "malformed", why: `answered ${status}` };
  try {
    return parseSidecarReport(JSON.parse(body));
  } catch {
    return { kind: "refused", code: "not_json_object", why: "its answer is no JSON" };
  }
}
