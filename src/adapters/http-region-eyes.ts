/**
 * Looks at regions over HTTP, by their own public origins, and asks daemons at their public listeners.
 */
import type { RegionsConfig } from "../config/regions-config.ts";
import { answeredByCache } from "../core/cdn-word.ts";
import { shortened } from "../core/shortened.ts";
import { formatQuestion, MAX_EXCHANGE_BYTES, parseAnswer, type RegionAnswer } from "../core/region/exchange.ts";
import type { OutsideSight } from "../core/region/outside.ts";
import type { RegionName } from "../core/region/region.ts";
import type { RegionReport } from "../core/region/report.ts";
import type { Ballot, Reply } from "../core/region/vote.ts";
import type { Ms } from "../core/time.ts";
import type { Http, HttpAnswer, HttpFailure } from "../ports/http.ts";
import type { Random } from "../ports/random.ts";
import type { RegionEyes } from "../ports/region-eyes.ts";
import { regionSigner, SIGNATURE_HEADER, type Signer } from "./region-signature.ts";

/** Where daemons answer each other. */
export const VOTES_PATH = "/region/votes";
/** A page is read to its end, and no further than this kept. */
const MAX_PAGE_BYTES = 4_096;
/** Every so many looks at a region go over a connection of their own: a kept one hides full listen queues and moved names. */
const NEW_CONNECTION_EVERY = 5;
const TOLD_APART = { "user-agent": "shopkeeper-region-look", accept: "text/html,*/*;q=0.5", "cache-control": "no-cache" } as const;

export type RegionEyesOptions = {
  readonly regions: RegionsConfig;
  readonly http: Http;
  readonly random: Random;
  /** Whether any reference host answers; null: none are configured. */
  readonly online: (signal: AbortSignal) => Promise<boolean | null>;
  /** A daemon gives no answer that counts, with the reason; null: it does again. Once for each change. */
  readonly heard: (observer: string, why: string | null) => void;
};

export function createRegionEyes(options: RegionEyesOptions): RegionEyes {
  return new HttpRegionEyes(options);
}

class HttpRegionEyes implements RegionEyes {
  readonly #options: RegionEyesOptions;
  readonly #signer: Signer;
  readonly #looks = new Map<RegionName, number>();
  /** Why a daemon was not heard when it was last asked; at most one of each that is configured. */
  readonly #unheard = new Map<string, string>();

  constructor(options: RegionEyesOptions) {
    this.#options = options;
    this.#signer = regionSigner(options.regions.plan.site, options.regions.secret);
  }

  async look(region: RegionName, signal: AbortSignal): Promise<OutsideSight> {
    const { http, regions } = this.#options;
    const place = regions.places.find(({ name }) => name === region);
    if (place === undefined) return { kind: "unknown", detail: `nobody knows where ${region} is` };
    const count = this.#looks.get(region) ?? 0;
    this.#looks.set(region, count + 1);
    const answer = await http.request({
      method: "GET", url: place.origin + regions.page, headers: TOLD_APART, deadlineMs: this.#deadline(), maxBodyBytes: MAX_PAGE_BYTES,
      connection: count % NEW_CONNECTION_EVERY === 0 ? "new" : "reuse", signal,
    });
    return sightOf(answer, regions.expect, signal);
  }

  online(signal: AbortSignal): Promise<boolean | null> {
    return this.#options.online(signal);
  }

  async report(region: RegionName, signal: AbortSignal): Promise<RegionReport | null> {
    const place = this.#options.regions.places.find(({ name }) => name === region);
    const answer = place === undefined ? null : await this.#exchange(region, place.daemon, { nonce: this.#options.random.id(), about: [] }, signal);
    return typeof answer === "object" && answer?.report?.region === region ? answer.report : null;
  }

  async ask(observer: string, ballot: Pick<Ballot, "nonce" | "about">, signal: AbortSignal): Promise<Reply> {
    const { places, witnesses } = this.#options.regions;
    const found = [...places, ...witnesses].find(({ name }) => name === observer);
    const answer = found === undefined ? `nobody knows where ${observer} is` : await this.#exchange(observer, found.daemon, ballot, signal);
    return typeof answer === "string" ? { kind: "silent", why: answer } : { kind: "votes", votes: answer.votes };
  }

  /** One signed question and its signed answer; a text where it is not both, or not this one's: why. */
  async #exchange(observer: string, daemon: string, { nonce, about }: Pick<Ballot, "nonce" | "about">, signal: AbortSignal): Promise<RegionAnswer | string> {
    const { http } = this.#options;
    const body = formatQuestion({ nonce, about });
    const answer = await http.request({
      method: "POST", url: daemon + VOTES_PATH, headers: { "content-type": "application/json", [SIGNATURE_HEADER]: this.#signer.sign("question", body) }, body,
      deadlineMs: this.#deadline(), maxBodyBytes: MAX_EXCHANGE_BYTES, connection: "reuse", idempotent: true, signal,
    });
    const read = this.#read(answer, observer, nonce);
    // What the asker itself gave up says nothing of the other.
    if (!signal.aborted) this.#tell(observer, typeof read === "string" ? read : null);
    return read;
  }

  /** A text: why it does not count. */
  #read(answer: HttpAnswer | HttpFailure, observer: string, nonce: string): RegionAnswer | string {
    if (answer.kind === "failed") return `${answer.cause}: ${answer.detail}`;
    if (answer.status === 403) return "it answered 403: its failover.secret, or its site, is another than here";
    if (answer.status !== 200) return `it answered ${answer.status}, and 200 was expected of a public listener's ${VOTES_PATH}`;
    if (!this.#signer.isOurs("answer", answer.body, answer.headers[SIGNATURE_HEADER])) return "its answer is not signed with this shop's failover.secret";
    const said = answer.bodyCut ? null : parseAnswer(answer.body);
    if (said === null) return "its answer cannot be read: is it of another version?";
    if (said.observer !== observer) return `${said.observer} answered in its place: see the daemon: URLs of regions and witnesses`;
    return said.nonce === nonce ? said : "it answered another question";
  }

  #tell(observer: string, why: string | null): void {
    const before = this.#unheard.get(observer) ?? null;
    if (before === why) return;
    if (why === null) this.#unheard.delete(observer);
    else this.#unheard.set(observer, why);
    // Of two reasons in a row the first is told: it comes and goes as one trouble.
    if ((before === null) !== (why === null)) this.#options.heard(observer, why);
  }

  #deadline(): Ms {
    return this.#options.regions.plan.rules.lookDeadline;
  }
}

function sightOf(answer: HttpAnswer | HttpFailure, expected: number, signal: AbortSignal): OutsideSight {
  if (answer.kind === "failed") {
    // A name that does not resolve, and a certificate that is not believed, are of that very address, which buyers never use.
    const isOurs = answer.noNetwork || answer.cause === "resolve" || answer.cause === "tls" || (signal.aborted && answer.cause !== "timeout");
    return { kind: isOurs ? "unknown" : "failed", detail: `${answer.cause}: ${answer.detail}` };
  }
  const { status } = answer;
  // A cache on the way answers for a dead region as well, so what it had proves nothing, whatever it is.
  const cached = answeredByCache(answer);
  if (cached !== null) return { kind: "unknown", detail: `a cache before the region answered (${shortened(`${cached}: ${answer.headers[cached.toLowerCase()] ?? ""}`, 80)}), as it would for a dead one: let none stand before its origin, or let that pass by whatever asks with Cache-Control: no-cache` };
  if (status === expected) return { kind: "answered", by: servedBy(answer.headers["cache-status"] ?? "") };
  const detail = `answered ${status}, and ${expected} was expected`;
  return { kind: saysNothing(status) ? "unknown" : "failed", detail };
}

/** A redirect elsewhere, a locked door, too many questions: the region is there, and what it would tell a buyer is not known. */
function saysNothing(status: number): boolean {
  return (status >= 300 && status < 400) || status === 401 || status === 403 || status === 407 || status === 429 || status === 430;
}

/** By the gateway's own member of Cache-Status (RFC 9211); without one, the application answered. */
function servedBy(cacheStatus: string): "application" | "copy" | "fresh" {
  const ours = cacheStatus.split(",").findLast((member) => /^\s*shopkeeper\s*(;|$)/.test(member));
  if (ours === undefined) return "application";
  const params = ours.split(";").slice(1).map((param) => param.trim());
  const detail = params.find((param) => param.startsWith("detail="))?.slice("detail=".length);
  if (params.includes("fwd=stale")) return "copy";
  if (!params.includes("hit")) return "application";
  return detail === undefined || detail === "fresh" || detail === "revalidate" ? "fresh" : "copy";
}
