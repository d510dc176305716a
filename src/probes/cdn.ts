/**
 * `cdn`: asks the CDN in front of the shop for a few paths, as a buyer's browser does, and reads from its
 * answers whether it serves them from its cache.
 *
 * The shares are of these looks, not of buyers: a path that is asked for every 30 s is warmer than most.
 */
import * as z from "zod";
import { judge } from "../core/assertion.ts";
import type { Assertion, Measured } from "../core/assertion.ts";
import { cdnWord } from "../core/cdn-word.ts";
import type { CdnWord } from "../core/cdn-word.ts";
import type { Finding, Observation } from "../core/observation.ts";
import { duration, httpUrl, urlPath } from "../config/values.ts";
import type { HttpAnswer, HttpFailure } from "../ports/http.ts";
import type { Look, PreparedProbe } from "../ports/probe.ts";
import { CdnWindow, countedFacts } from "./cdn-window.ts";
import type { Probe, ProbeOrder, ProbePorts } from "./kind.ts";
import { USER_AGENT, blindness, connectionFor, demand, guarded, report, unknown } from "./report.ts";
import type { NetworkTrouble } from "./report.ts";
import { factsOf } from "./usage-percent.ts";

const MINUTE = 60_000;
const MAX_PATHS = 8;

const schema = z.object({
  url: httpUrl().describe("Base URL of the shop as buyers reach it, through the CDN."),
  paths: z.array(urlPath()).min(1).max(MAX_PATHS).prefault(["/"]).describe("Paths asked for at each look, at once; at most 8."),
  window: duration({ min: MINUTE, max: 24 * 60 * MINUTE }).prefault("15m").describe("The shares are of the answers of this time."),
  min_answers: z.int().min(1).max(1_000).prefault(10).describe("Hits and misses in the window below which no share is judged."),
});
type Settings = z.output<typeof schema>;

export const cdnProbe: Probe = {
  name: "cdn",
  summary: "Asks the CDN in front of the shop for a few paths: reachable, how much it serves from its cache, how much of it stale.",
  schema,
  assertions: {
    reachable: { value: "word", words: ["reachable"], severity: "fail", example: "reachable" },
    hit_rate: { value: "percent", severity: "warn", example: "> 90%" },
    stale_share: { value: "percent", severity: "warn", example: "< 10%" },
  },
  scope: "site",
  remote: true,
  inactiveWhen: () => null,
  prepare: (order, ports) => new CdnLook(order, ports),
};

/** What became of one path. */
type Outcome =
  | { readonly kind: "answered"; readonly word: CdnWord }
  | { readonly kind: "throttled"; readonly detail: string }
  | { readonly kind: "troubled"; readonly trouble: NetworkTrouble };

/** As browsers ask: a CDN that keeps a copy per coding is asked for the one buyers get. Nothing of the body is kept. */
const HEADERS = { "user-agent": USER_AGENT, accept: "text/html,*/*;q=0.8", "accept-encoding": "gzip, deflate, br" };

class CdnLook implements PreparedProbe {
  readonly #settings: Settings;
  readonly #assertions: readonly Assertion[];
  readonly #ports: ProbePorts;
  readonly #window: CdnWindow;

  constructor({ settings, assertions }: ProbeOrder, ports: ProbePorts) {
    this.#settings = settings as Settings;
    this.#assertions = assertions;
    this.#ports = ports;
    this.#window = new CdnWindow(this.#settings.window, this.#settings.min_answers);
  }

  run(look: Look): Promise<Observation> {
    return guarded(() => this.#ports.clock.now(), () => this.#look(look));
  }

  async close(): Promise<void> {}

  async #look(look: Look): Promise<Observation> {
    const { http } = this.#ports;
    const { url, paths } = this.#settings;
    const { deadlineMs, signal } = look;
    const connection = connectionFor(look);
    const answers = await Promise.all(paths.map((path) => http.request({ method: "GET", url: url + path, headers: HEADERS, deadlineMs, maxBodyBytes: 0, connection, signal })));
    const tookMs = Math.max(...answers.map((answer) => answer.tookMs));
    return this.#judge(answers.map((answer, index) => outcomeOf(paths[index] ?? "", answer)), look, tookMs);
  }

  #judge(outcomes: readonly Outcome[], look: Look, tookMs: number): Observation {
    const at = this.#ports.clock.now();
    const words = outcomes.flatMap((outcome) => (outcome.kind === "answered" ? [outcome.word] : []));
    const troubles = outcomes.flatMap((outcome) => (outcome.kind === "troubled" ? [outcome.trouble] : []));
    const bad = troubles.find((trouble) => blindness(trouble, look) === null);
    if (words.length === 0 && bad === undefined) return blind(outcomes, look, at, tookMs);
    this.#window.note(at, words);
    const shares: Readonly<Record<string, Measured>> = { hit_rate: this.#window.hitRate(), stale_share: this.#window.staleShare() };
    const reached = bad === undefined ? "reachable" : `${bad.cause}: ${bad.detail}`;
    const findings: Finding[] = this.#assertions.map((assertion) => judge(assertion, shares[assertion.name] ?? { kind: "text", text: reached }));
    if (!this.#assertions.some(({ name }) => name === "reachable")) findings.unshift(demand("reachable", bad === undefined, reached, "reachable"));
    return report({ at, tookMs, findings, facts: { ...factsOf(shares), ...countedFacts(words) } }, bad === undefined ? {} : { reachable: bad.cause });
  }
}

function outcomeOf(path: string, answer: HttpAnswer | HttpFailure): Outcome {
  if (answer.kind === "failed") return { kind: "troubled", trouble: { ...answer, detail: `${path}: ${answer.detail}` } };
  const { status, tookMs } = answer;
  if (status === 429 || status === 430) return { kind: "throttled", detail: `${path}: ${status} to our own look` };
  // As in `dependencies`: what a buyer gets then is an error, whoever made it.
  if (status >= 500) return { kind: "troubled", trouble: { cause: "status", noNetwork: false, detail: `${path} answered ${status}`, tookMs } };
  return { kind: "answered", word: cdnWord(answer) };
}

/** No path said anything of the CDN: throttled, or for a reason on our side. */
function blind(outcomes: readonly Outcome[], look: Look, at: number, tookMs: number): Observation {
  const [first] = outcomes;
  if (first?.kind === "troubled") return unknown(at, tookMs, blindness(first.trouble, look) ?? "internal", first.trouble.detail);
  return unknown(at, tookMs, "throttled", first?.kind === "throttled" ? first.detail : "no path was asked");
}
