/**
 * `http`: asks one route of a target, and holds status, latency, headers, body, JSON
 * fields and what the body reports of memory and CPU against the check's assertions.
 */
import * as z from "zod";
import { judge } from "../core/assertion.ts";
import type { Assertion, Measured } from "../core/assertion.ts";
import type { FailCause, Finding, Observation } from "../core/observation.ts";
import type { Instant, Ms } from "../core/time.ts";
import { reveal } from "../config/secret.ts";
import { httpUrlOrSecret, textOrSecret } from "../config/values.ts";
import type { HttpAnswer, HttpRequest } from "../ports/http.ts";
import type { Look, PreparedProbe } from "../ports/probe.ts";
import { parseJson, readHealthBody, statusFinding } from "./health-body.ts";
import type { HealthReport } from "./health-body.ts";
import { jsonField } from "./json-field.ts";
import type { Probe, ProbeOrder, ProbePorts } from "./kind.ts";
import { USER_AGENT, connectionFor, demand, guarded, judgeLatency, report, reportTrouble, unknown } from "./report.ts";
import { TEXT_CAUSES, TEXT_RULES, judgeTexts } from "./text-rules.ts";
import { UsageRates, factsOf, memory, readWithin } from "./usage-percent.ts";

const MAX_BODY_BYTES = 256 * 1_024;

const schema = z.object({
  url: httpUrlOrSecret().optional().describe("Absolute URL asked instead of the target's own; endpoint is then only the published path."),
  method: z.enum(["GET", "HEAD", "POST"]).prefault("GET"),
  headers: z.record(z.string(), textOrSecret({ min: 0 })).prefault({}).describe("Sent besides our own."),
  body: textOrSecret({ min: 0, max: 65_536 }).optional().describe("Sent with POST."),
  ...TEXT_RULES,
});
type Settings = z.output<typeof schema>;

export const httpProbe: Probe = {
  name: "http",
  summary: "Asks a route over HTTP: status, latency, headers, body, JSON fields, reported memory and CPU.",
  schema,
  assertions: {
    http_status: { value: "status", severity: "fail", example: "200 OK" },
    response_time: { value: "duration", severity: "warn", example: "< 500ms" },
    first_byte: { value: "duration", severity: "warn", example: "< 200ms" },
    memory_usage: { value: "percent", severity: "warn", example: "< 80%" },
    cpu_usage: { value: "percent", severity: "warn", example: "< 90%" },
  },
  families: {
    header: { value: "text", severity: "fail", example: "application/json" },
    json: { value: "text", severity: "fail", example: "ok" },
  },
  scope: "target",
  remote: true,
  inactiveWhen: () => null,
  prepare: (order, ports) => new HttpLook(order, ports),
};

const CAUSES: Readonly<Record<string, FailCause>> = { ...TEXT_CAUSES, health_status: "body" };

/** What was read from an answer. `busyMs`: how long we ourselves were busy meanwhile. */
type Read = {
  readonly at: Instant;
  readonly busyMs: Ms;
  readonly json: unknown;
  readonly measured: Readonly<Record<string, Measured>>;
  readonly status: HealthReport["status"];
};

class HttpLook implements PreparedProbe {
  readonly #settings: Settings;
  readonly #assertions: readonly Assertion[];
  readonly #path: string;
  /** What is the same of every request. */
  readonly #request: Pick<HttpRequest, "method" | "headers" | "body" | "maxBodyBytes">;
  readonly #asksStatus: boolean;
  /** The figures of usage that the check asks for. */
  readonly #wanted: readonly ("memory_usage" | "cpu_usage")[];
  readonly #ports: ProbePorts;
  readonly #rates = new UsageRates();

  constructor({ settings, assertions, endpoint }: ProbeOrder, ports: ProbePorts) {
    this.#settings = settings as Settings;
    this.#assertions = assertions;
    const { method, headers, body } = this.#settings;
    const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, reveal(value)]));
    const sent = { "user-agent": USER_AGENT, accept: "*/*", "accept-encoding": "identity", ...own };
    this.#request = { method, headers: sent, maxBodyBytes: MAX_BODY_BYTES, ...(body === undefined ? {} : { body: reveal(body) }) };
    const asserted = new Set(assertions.map(({ name }) => name));
    this.#asksStatus = asserted.has("http_status");
    this.#wanted = (["memory_usage", "cpu_usage"] as const).filter((name) => asserted.has(name));
    this.#path = endpoint ?? "/";
    this.#ports = ports;
  }

  run(look: Look): Promise<Observation> {
    return guarded(this.#ports.clock.now, () => this.#look(look));
  }

  async close(): Promise<void> {}

  async #look(look: Look): Promise<Observation> {
    const { clock, http, load, site } = this.#ports;
    const { url: fixed } = this.#settings;
    const base = site.url(look.target.id);
    const url = fixed === undefined ? (base === null ? null : base + this.#path) : reveal(fixed);
    if (url === null) return unknown(clock.now(), 0, "configuration", `target ${look.target.id} has no URL`);

    const busyBefore = load.busyMs();
    const { deadlineMs, signal } = look;
    const answer = await http.request({ ...this.#request, url, deadlineMs, connection: connectionFor(look), signal });
    const at = clock.now();
    if (answer.kind === "failed") return reportTrouble(answer, look, at);
    if (answer.status === 429 || answer.status === 430) return unknown(at, answer.tookMs, "throttled", `${answer.status} to our own look`);
    const busyMs = load.busyMs() - busyBefore;
    const json = parseJson(answer.body);
    const health = readHealthBody(json);
    const measured: Record<string, Measured> = {
      http_status: { kind: "status", code: answer.status },
      response_time: { kind: "number", value: answer.tookMs, dimension: "ms" },
      first_byte: { kind: "number", value: answer.firstByteMs, dimension: "ms" },
    };
    if (health.memoryPercent !== null) measured["memory_usage"] = { kind: "number", value: health.memoryPercent, dimension: "percent", source: "body" };
    if (health.cpuPercent !== null) measured["cpu_usage"] = { kind: "number", value: health.cpuPercent, dimension: "percent", source: "body" };
    if (this.#wanted.some((name) => measured[name] === undefined)) await this.#addUsage(measured, look, at);
    return this.#judge(answer, { at, busyMs, json, measured, status: health.status });
  }

  /** The cgroup's or the process's figures, where the check asks for them and the body reports none. */
  async #addUsage(measured: Record<string, Measured>, look: Look, at: Instant): Promise<void> {
    const answer = await readWithin(this.#ports.usage, this.#ports.clock, look);
    for (const name of this.#wanted) {
      if (measured[name] !== undefined) continue;
      if (answer.kind !== "usage") measured[name] = { kind: "missing", why: `not reported; ${answer.detail}` };
      else measured[name] = name === "memory_usage" ? memory(answer.usage) : this.#rates.cpu(look.target.id, answer.usage, at);
    }
  }

  #judge(answer: HttpAnswer, { at, busyMs, json, measured, status }: Read): Observation {
    const findings: Finding[] = [];
    if (!this.#asksStatus) findings.push(demand("http_status", answer.status < 400, String(answer.status), "below 400"));
    for (const assertion of this.#assertions) {
      if (assertion.name === "response_time") findings.push(judgeLatency(assertion, answer.tookMs, busyMs));
      else if (assertion.name === "first_byte") findings.push(judgeLatency(assertion, answer.firstByteMs, busyMs));
      else findings.push(judge(assertion, measured[assertion.name] ?? familyMember(assertion, answer, json)));
    }
    const own = statusFinding(status);
    if (own !== null) findings.push(own);
    const { must_contain: wanted, must_not_contain: unwanted } = this.#settings;
    if (wanted.length + unwanted.length > 0) findings.push(...judgeTexts(answer.body, wanted, unwanted));
    return report({ at, tookMs: answer.tookMs, findings, facts: factsOf(measured) }, CAUSES);
  }
}

/** "header.content-type" and "json.db.status". */
function familyMember(assertion: Assertion, answer: HttpAnswer, json: unknown): Measured {
  const dot = assertion.name.indexOf(".");
  const family = assertion.name.slice(0, dot);
  const member = assertion.name.slice(dot + 1);
  if (family === "header") return { kind: "text", text: answer.headers[member.toLowerCase()] ?? "absent", source: "header" };
  if (family === "json") return jsonField(json, member, assertion);
  return { kind: "missing", why: "not reported" };
}
