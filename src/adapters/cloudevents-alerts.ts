/**
 * Alerts as CloudEvents 1.0 by HTTP POST (structured mode), signed where a key is configured.
 *
 * One bounded queue per destination, in order. Retried with back-off while a minute lasts; a receiver
 * that answers 410 Gone is never asked again (CloudEvents webhook specification 1.0, section 2.2).
 */
import { createHmac } from "node:crypto";
import { reveal, Secret } from "../config/secret.ts";
import type { Alert } from "../core/alert.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { Alerts, Delivery } from "../ports/alerts.ts";
import type { Clock } from "../ports/clock.ts";
import { sleep } from "../ports/clock.ts";
import type { Http, HttpAnswer, HttpFailure } from "../ports/http.ts";

/** One attempt. */
const ATTEMPT_MS: Ms = 5_000;
/** All attempts for one alert, the wait in the queue included. */
const TOTAL_MS: Ms = 60_000;
const BACK_OFF_MS: readonly Ms[] = [1_000, 2_000, 4_000, 8_000, 15_000];
/** The longest a receiver's Retry-After is obeyed. */
const MAX_RETRY_AFTER_MS: Ms = 30_000;
const MAX_QUEUED = 100;

export type AlertDestination = {
  readonly name: string;
  readonly url: string | Secret;
  readonly signingKey: Secret | null;
};

export type CloudEventsParts = { readonly http: Http; readonly clock: Clock; readonly destinations: readonly AlertDestination[] };

export function createCloudEventsAlerts({ http, clock, destinations }: CloudEventsParts): Alerts {
  const routes = new Map(destinations.map((destination) => [destination.name, new Route(destination, http, clock)]));
  return {
    send: async (name, alert, signal) => (await routes.get(name)?.send(alert, signal)) ?? { kind: "refused", detail: `no alert destination is called ${name}` },
    close: async () => {
      await Promise.all([...routes.values()].map((route) => route.close()));
    },
  };
}

type Next = Delivery | { readonly kind: "again"; readonly detail: string; readonly after: Ms | null };

class Route {
  readonly #destination: AlertDestination;
  readonly #http: Http;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #tail: Promise<unknown> = Promise.resolve();
  #queued = 0;
  #gone = false;

  constructor(destination: AlertDestination, http: Http, clock: Clock) {
    this.#destination = destination;
    this.#http = http;
    this.#clock = clock;
  }

  send(alert: Alert, signal: AbortSignal | undefined): Promise<Delivery> {
    if (this.#queued >= MAX_QUEUED) return Promise.resolve({ kind: "failed", detail: `${MAX_QUEUED} alerts wait for ${this.#destination.name} already` });
    this.#queued += 1;
    const until = this.#clock.now() + TOTAL_MS;
    const stop = signal === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, signal]);
    const sent = this.#tail.then(() => this.#attempts(alert, until, stop)).finally(() => {
      this.#queued -= 1;
    });
    // The next in line goes whatever became of this one.
    this.#tail = sent.catch(() => undefined);
    return sent;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#tail;
  }

  async #attempts(alert: Alert, until: Instant, stop: AbortSignal): Promise<Delivery> {
    let detail = "it waited too long for its turn";
    for (let attempt = 0; this.#clock.now() < until; attempt++) {
      if (stop.aborted) return { kind: "failed", detail: "stopped" };
      if (this.#gone) return { kind: "refused", detail: "the receiver is gone for good (410)" };
      const next = await this.#attempt(alert, Math.min(ATTEMPT_MS, until - this.#clock.now()), stop);
      if (next.kind !== "again") return next;
      detail = `${next.detail}, ${attempt + 1} attempts`;
      const wait = next.after ?? BACK_OFF_MS[Math.min(attempt, BACK_OFF_MS.length - 1)] ?? 0;
      if (this.#clock.now() + wait >= until) break;
      await sleep(this.#clock, wait, stop);
    }
    return { kind: "failed", detail };
  }

  async #attempt(alert: Alert, deadlineMs: Ms, signal: AbortSignal): Promise<Next> {
    const body = JSON.stringify(eventOf(alert));
    const answer = await this.#http.request({
      method: "POST", url: reveal(this.#destination.url), headers: { "content-type": "application/cloudevents+json; charset=utf-8", ...this.#signature(body) },
      body, deadlineMs, maxBodyBytes: 1_024, connection: "reuse", signal,
    });
    const next = this.#discreet(meaning(answer, this.#clock.wall()));
    if (answer.kind === "answer" && answer.status === 410) this.#gone = true;
    return next;
  }

  /** What the system says of an address may repeat it, and is logged. */
  #discreet(next: Next): Next {
    const { url } = this.#destination;
    return next.kind === "delivered" || typeof url === "string" ? next : { ...next, detail: Secret.conceal(next.detail, [url]) };
  }

  #signature(body: string): Readonly<Record<string, string>> {
    const key = this.#destination.signingKey;
    return key === null ? {} : { "x-shopkeeper-signature": `sha256=${createHmac("sha256", key.reveal()).update(body).digest("hex")}` };
  }
}

/** One incident's state has one id, so that a receiver knows a repetition (source and id are unique together). */
export function eventOf(alert: Alert): Readonly<Record<string, unknown>> {
  return {
    specversion: "1.0", id: `${alert.key}.${alert.state}`, source: `/shopkeeper/${encodeURIComponent(alert.site)}`, type: `dev.shopkeeper.alert.${alert.state}`,
    subject: alert.target, time: new Date(alert.at).toISOString(), datacontenttype: "application/json", data: alert,
  };
}

function meaning(answer: HttpAnswer | HttpFailure, wall: number): Next {
  if (answer.kind === "failed") return { kind: "again", detail: `${answer.cause}: ${answer.detail}`, after: null };
  const { status, headers } = answer;
  if (status >= 200 && status < 300) return { kind: "delivered" };
  const detail = `the receiver answered ${status}`;
  if (status === 408 || status === 429 || status >= 500) return { kind: "again", detail, after: retryAfter(headers["retry-after"], wall) };
  return { kind: "refused", detail: status >= 300 && status < 400 ? `${detail}; redirects are not followed` : detail };
}

/** Seconds or an HTTP date (RFC 9110, section 10.2.3), capped. null: none, or not understood. */
export function retryAfter(value: string | undefined, wall: number): Ms | null {
  if (value === undefined || value.trim() === "") return null;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - wall;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
