/**
 * `storefront_api`: one cheap GraphQL query to Shopify's Storefront API, as the
 * application asks it: reachable, fast, of the version asked for, with quota left.
 */
import * as z from "zod";
import { judge } from "../core/assertion.ts";
import type { Assertion, Measured } from "../core/assertion.ts";
import type { FailCause, Finding, Observation } from "../core/observation.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { StorefrontConfig } from "../config/config.ts";
import type { HttpAnswer } from "../ports/http.ts";
import { isLoopback } from "../config/loopback.ts";
import type { Look, PreparedProbe } from "../ports/probe.ts";
import { isRecord, parseJson } from "./health-body.ts";
import type { Probe, ProbeOrder, ProbePorts } from "./kind.ts";
import { ThrottleShare, publishedQuota } from "./quota.ts";
import { USER_AGENT, blindness, connectionFor, demand, guarded, judgeLatency, report, reportTrouble, unknown } from "./report.ts";
import { factsOf } from "./usage-percent.ts";
import { shortened } from "../core/shortened.ts";

const MAX_BODY_BYTES = 256 * 1_024;

const schema = z.object({
  query: z.string().min(1).max(10_000).prefault("{ shop { name } }").describe("A cheap query without side effects."),
});
type Settings = z.output<typeof schema>;

export const storefrontApiProbe: Probe = {
  name: "storefront_api",
  summary: "Asks the Storefront API a cheap query: reachable, latency, version, quota.",
  schema,
  assertions: {
    storefront_api: { value: "word", words: ["reachable"], severity: "fail", example: "reachable" },
    api_latency: { value: "duration", severity: "warn", example: "< 200ms" },
    rate_limit_remaining: { value: "percent", severity: "warn", example: "> 20%" },
  },
  scope: "site",
  remote: ({ storefront }) => storefront !== null && !isLoopback(storefront.origin),
  inactiveWhen: ({ storefront }) => (storefront === null ? "no storefront is configured" : null),
  prepare: (order, ports) => new StorefrontLook(order, ports),
};

/** What an answer says about the API. */
type Reading =
  | { readonly kind: "good" }
  | { readonly kind: "throttled"; readonly detail: string }
  | { readonly kind: "blind"; readonly detail: string }
  | { readonly kind: "bad"; readonly cause: FailCause; readonly detail: string };

class StorefrontLook implements PreparedProbe {
  readonly #body: string;
  readonly #assertions: readonly Assertion[];
  readonly #ports: ProbePorts;
  readonly #share = new ThrottleShare();

  constructor({ settings, assertions }: ProbeOrder, ports: ProbePorts) {
    this.#body = JSON.stringify({ query: (settings as Settings).query });
    this.#assertions = assertions;
    this.#ports = ports;
  }

  run(look: Look): Promise<Observation> {
    return guarded(this.#ports.clock.now, () => this.#look(look));
  }

  async close(): Promise<void> {}

  async #look(look: Look): Promise<Observation> {
    const { clock, http, load, site } = this.#ports;
    const storefront = site.storefront;
    if (storefront === null) return unknown(clock.now(), 0, "configuration", "no storefront is configured");
    const busyBefore = load.busyMs();
    const answer = await http.request({
      method: "POST",
      url: `${storefront.origin}/api/${storefront.apiVersion}/graphql.json`,
      headers: headersFor(storefront),
      body: this.#body,
      deadlineMs: look.deadlineMs,
      maxBodyBytes: MAX_BODY_BYTES,
      connection: connectionFor(look),
      idempotent: true,
      signal: look.signal,
    });
    const at = clock.now();
    if (answer.kind === "failed") {
      const findings = blindness(answer, look) === null ? this.#unreachable(answer.cause) : [];
      return reportTrouble(answer, look, at, findings);
    }
    return this.#judge(answer, storefront, at, load.busyMs() - busyBefore);
  }

  #judge(answer: HttpAnswer, storefront: StorefrontConfig, at: Instant, busyMs: Ms): Observation {
    const json = parseJson(answer.body);
    const reading = read(answer, json);
    const { tookMs } = answer;
    if (reading.kind === "blind") return unknown(at, tookMs, "configuration", reading.detail);
    this.#share.note(at, reading.kind === "throttled");
    const quota = publishedQuota(json, answer.headers) ?? this.#share.measure(at);
    if (reading.kind === "throttled") {
      const findings = this.#assertions.filter(({ name }) => name === "rate_limit_remaining").map((assertion) => judge(assertion, quota));
      return unknown(at, tookMs, "throttled", reading.detail, findings);
    }
    if (reading.kind === "bad") {
      return { kind: "fail", at, tookMs, cause: reading.cause, detail: reading.detail, findings: this.#unreachable(reading.detail), facts: {} };
    }
    const measured: Record<string, Measured> = {
      storefront_api: { kind: "text", text: "reachable" },
      api_latency: { kind: "number", value: tookMs, dimension: "ms" },
      rate_limit_remaining: quota,
    };
    const findings: Finding[] = this.#assertions.map((assertion) =>
      assertion.name === "api_latency"
        ? judgeLatency(assertion, tookMs, busyMs)
        : judge(assertion, measured[assertion.name] ?? { kind: "missing", why: "not reported" }),
    );
    findings.push(...versionFinding(answer, storefront.apiVersion));
    return report({ at, tookMs, findings, facts: factsOf(measured) });
  }

  #unreachable(observed: string): readonly Finding[] {
    return this.#assertions.filter(({ name }) => name === "storefront_api").map(({ name }) => demand(name, false, observed, "reachable"));
  }
}

function headersFor({ publicToken, privateToken }: StorefrontConfig): Readonly<Record<string, string>> {
  return {
    "user-agent": USER_AGENT,
    accept: "application/json",
    "accept-encoding": "identity",
    "content-type": "application/json",
    ...(publicToken === null ? {} : { "x-shopify-storefront-access-token": publicToken.reveal() }),
    ...(privateToken === null ? {} : { "shopify-storefront-private-token": privateToken.reveal() }),
  };
}

/** A 200 is only good when it is whole: JSON, with data, without errors. */
function read(answer: HttpAnswer, json: unknown): Reading {
  const { status } = answer;
  if (status === 429 || status === 430) return { kind: "throttled", detail: `${status} to our own look` };
  if (status === 401 || status === 403) return { kind: "blind", detail: `${status}: our token was refused` };
  if (status !== 200) return { kind: "bad", cause: "status", detail: `answered ${status}` };
  if (answer.bodyCut) return { kind: "bad", cause: "body", detail: `answered ${answer.bodyBytes} bytes to a cheap query` };
  if (!isRecord(json)) return { kind: "bad", cause: "body", detail: "200 with a body that is no JSON" };
  const codes = errorCodes(json["errors"]);
  if (codes.includes("THROTTLED")) return { kind: "throttled", detail: "THROTTLED to our own look" };
  if (codes.length > 0) return { kind: "bad", cause: "body", detail: `200 with errors: ${codes.join(", ")}` };
  return isRecord(json["data"]) ? { kind: "good" } : { kind: "bad", cause: "body", detail: "200 without data" };
}

/** `extensions.code` of each error, or its message where there is none; ten at most. */
function errorCodes(errors: unknown): readonly string[] {
  if (!Array.isArray(errors)) return [];
  return errors.slice(0, 10).map((error: unknown) => {
    if (!isRecord(error)) return "error";
    const code = isRecord(error["extensions"]) ? error["extensions"]["code"] : undefined;
    if (typeof code === "string") return code;
    return typeof error["message"] === "string" ? shortened(error["message"], 100) : "error";
  });
}

/** Shopify answers a version that is gone with the oldest one it still has: the application runs on another API than it was built for. */
function versionFinding({ headers }: HttpAnswer, requested: string): readonly Finding[] {
  const served = headers["x-shopify-api-version"];
  if (served === undefined || served === requested) return [];
  return [demand("api_version", false, `${served}, fell forward`, requested, "warn")];
}
