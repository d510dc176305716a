/** Looks at the parts a shop leans on, each ending in one finding: Redis and the CDN. */
import { judge } from "../core/assertion.ts";
import type { Assertion } from "../core/assertion.ts";
import type { Finding } from "../core/observation.ts";
import type { Ms } from "../core/time.ts";
import type { Http } from "../ports/http.ts";
import type { Look } from "../ports/probe.ts";
import type { RedisPinger } from "../ports/redis-pinger.ts";
import { USER_AGENT, blindness, connectionFor } from "./report.ts";
import type { NetworkTrouble } from "./report.ts";

/** What one part said. `trouble`: it failed on the network, or on our side of it. */
export type PartResult = { readonly finding: Finding; readonly tookMs: Ms; readonly trouble: NetworkTrouble | null };

/** "connected" means that a PING was answered by PONG in time. */
export async function lookAtRedis(redis: RedisPinger, assertion: Assertion, look: Look): Promise<PartResult> {
  const answer = await redis.ping(look.deadlineMs, look.signal);
  if (answer.kind === "pong") return { finding: judge(assertion, { kind: "text", text: "connected" }), tookMs: answer.tookMs, trouble: null };
  return troubled(assertion, answer, look);
}

/** "reachable" means that it answered, with anything but a server error. */
export async function lookAtCdn(http: Http, url: string, assertion: Assertion, look: Look): Promise<PartResult> {
  const answer = await http.request({
    method: "HEAD",
    url,
    headers: { "user-agent": USER_AGENT, accept: "*/*", "accept-encoding": "identity" },
    deadlineMs: look.deadlineMs,
    maxBodyBytes: 0,
    connection: connectionFor(look),
    signal: look.signal,
  });
  if (answer.kind === "failed") return troubled(assertion, answer, look);
  const { status, tookMs } = answer;
  if (status === 429) return { finding: judge(assertion, { kind: "missing", why: "429 to our own look" }), tookMs, trouble: null };
  if (status < 500) return { finding: judge(assertion, { kind: "text", text: "reachable" }), tookMs, trouble: null };
  return troubled(assertion, { cause: "status", noNetwork: false, detail: `answered ${status}`, tookMs }, look);
}

function troubled(assertion: Assertion, trouble: NetworkTrouble, look: Look): PartResult {
  const { tookMs, cause, detail } = trouble;
  const blind = blindness(trouble, look) !== null;
  const finding = judge(assertion, blind ? { kind: "missing", why: detail } : { kind: "text", text: `${cause}: ${detail}` });
  return { finding, tookMs, trouble };
}
