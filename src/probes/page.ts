/**
 * `page`: a page rendered by the application itself, read to its last byte. A health
 * route can say 200 while every page is wrong; this sees what a buyer would.
 */
import * as z from "zod";
import { judge } from "../core/assertion.ts";
import type { Assertion, Measured } from "../core/assertion.ts";
import type { Finding, Observation } from "../core/observation.ts";
import type { Instant, Ms } from "../core/time.ts";
import { size, urlPath } from "../config/values.ts";
import type { HttpAnswer } from "../ports/http.ts";
import type { Look, PreparedProbe } from "../ports/probe.ts";
import type { Probe, ProbeOrder, ProbePorts } from "./kind.ts";
import { USER_AGENT, connectionFor, demand, guarded, judgeLatency, report, reportTrouble, unknown } from "./report.ts";
import { TEXT_CAUSES, TEXT_RULES, judgeTexts } from "./text-rules.ts";
import { factsOf } from "./usage-percent.ts";

/**
 * A whole document closes its root element and ends with a whole tag or comment. Not with the
 * root element: what React streams late (scripts, suspended parts) comes after it.
 */
const ROOT_CLOSED = /<\/html\s*>/i;
const ENDS_WHOLE = />\s*$/;

const schema = z.object({
  page: urlPath().prefault("/").describe("Path of the page."),
  max_body: size({ min: 1_000, max: 16_000_000 }).prefault("2MB").describe("A larger page cannot be judged."),
  ...TEXT_RULES,
});
type Settings = z.output<typeof schema>;

export const pageProbe: Probe = {
  name: "page",
  summary: "Reads a rendered page to its last byte, as a bot without cookies: status 200, whole, with the right text.",
  schema,
  assertions: {
    http_status: { value: "status", severity: "fail", example: "200 OK" },
    first_byte: { value: "duration", severity: "warn", example: "< 1s" },
    response_time: { value: "duration", severity: "warn", example: "< 2s" },
  },
  scope: "target",
  remote: true,
  inactiveWhen: () => null,
  prepare: (order, ports) => new PageLook(order, ports),
};

class PageLook implements PreparedProbe {
  readonly #settings: Settings;
  readonly #assertions: readonly Assertion[];
  readonly #ports: ProbePorts;

  constructor({ settings, assertions }: ProbeOrder, ports: ProbePorts) {
    this.#settings = settings as Settings;
    this.#assertions = assertions;
    this.#ports = ports;
  }

  run(look: Look): Promise<Observation> {
    return guarded(this.#ports.clock.now, () => this.#look(look));
  }

  async close(): Promise<void> {}

  async #look(look: Look): Promise<Observation> {
    const { clock, http, load, site } = this.#ports;
    const base = site.url(look.target.id);
    if (base === null) return unknown(clock.now(), 0, "configuration", `target ${look.target.id} has no URL`);
    const busyBefore = load.busyMs();
    const answer = await http.request({
      method: "GET",
      url: base + this.#settings.page,
      headers: { "user-agent": USER_AGENT, accept: "text/html", "accept-encoding": "identity" },
      deadlineMs: look.deadlineMs,
      maxBodyBytes: this.#settings.max_body,
      connection: connectionFor(look),
      signal: look.signal,
    });
    const at = clock.now();
    if (answer.kind === "failed") return reportTrouble(answer, look, at);
    return this.#judge(answer, at, load.busyMs() - busyBefore);
  }

  #judge(answer: HttpAnswer, at: Instant, busyMs: Ms): Observation {
    if (answer.status === 429 || answer.status === 430) return unknown(at, answer.tookMs, "throttled", `${answer.status} to our own look`);
    const measured: Record<string, Measured> = {
      http_status: { kind: "status", code: answer.status },
      response_time: { kind: "number", value: answer.tookMs, dimension: "ms" },
      first_byte: { kind: "number", value: answer.firstByteMs, dimension: "ms" },
    };
    const findings: Finding[] = this.#assertions.map((assertion) => {
      if (assertion.name === "response_time") return judgeLatency(assertion, answer.tookMs, busyMs);
      if (assertion.name === "first_byte") return judgeLatency(assertion, answer.firstByteMs, busyMs);
      return judge(assertion, measured[assertion.name] ?? { kind: "missing", why: "not reported" });
    });
    if (!this.#assertions.some(({ name }) => name === "http_status")) {
      findings.unshift(demand("http_status", answer.status === 200, String(answer.status), "200"));
    }
    const seen = { at, tookMs: answer.tookMs, facts: factsOf(measured) };
    // Of a page with another status, or longer than what we keep, the text proves nothing more.
    const said = report({ ...seen, findings });
    if (said.kind === "fail") return said;
    if (answer.bodyCut) return unknown(at, answer.tookMs, "configuration", `the page has ${answer.bodyBytes} bytes; max_body keeps ${this.#settings.max_body}`);
    findings.push(demand("document_end", ROOT_CLOSED.test(answer.body) && ENDS_WHOLE.test(answer.body.slice(-4_096)), ending(answer.body), "…</html>…>"));
    findings.push(...judgeTexts(answer.body, this.#settings.must_contain, [...this.#settings.must_not_contain, ...this.#ports.site.errorMarks]));
    return report({ ...seen, findings }, { ...TEXT_CAUSES, document_end: "truncated" });
  }
}

/** The last characters of a body, for people. */
function ending(body: string): string {
  return `…${body.trimEnd().slice(-40).replaceAll(/\s+/g, " ")}`;
}
