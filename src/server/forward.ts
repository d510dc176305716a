/**
 * Of several daemons one acts. Whoever is asked and does not act asks the one that does, and passes its answer on, so
 * that a Service may send people to any of them.
 */
import type { FastifyInstance } from "fastify";
import type { Http } from "../ports/http.ts";
import { ProblemError } from "./problem-answers.ts";
import { personOf, type KnownToken } from "./tokens.ts";

export type ActingOne =
  | { readonly kind: "here" }
  /** "10.0.0.3:9471" */
  | { readonly kind: "elsewhere"; readonly address: string }
  | { readonly kind: "nobody"; readonly why: string };

export type Forwarding = { readonly acting: () => ActingOne; readonly http: Http; readonly tokens: readonly KnownToken[]; readonly deadlineMs: number };

/** Says that a call was passed on once already: it goes no further. */
export const FORWARDED = "x-shopkeeper-forwarded";
/** The status of 3,000 pods has about ten million. */
const MAX_ANSWER_BYTES = 64_000_000;

/** Before any route of `app` is asked. Only for who is known here; the caller's token goes along, and what it may do is judged there. */
export function forwardCalls(app: FastifyInstance, { acting, http, tokens, deadlineMs }: Forwarding): void {
  app.addHook("preHandler", async (request, reply) => {
    const one = acting();
    if (one.kind === "here") return;
    if (personOf(request.headers.authorization, tokens) === null) throw new ProblemError("UNAUTHORIZED", 'send "Authorization: Bearer TOKEN" with a token of the configuration');
    if (!request.url.startsWith("/api/")) throw new ProblemError("NOT_FOUND", "only paths below /api/ are passed on");
    if (one.kind === "nobody") throw new ProblemError("UNAVAILABLE", `nobody acts at the moment: ${one.why}`);
    if (request.headers[FORWARDED] !== undefined) throw new ProblemError("UNAVAILABLE", "who acts is changing at this moment: ask again");
    const { method, url, headers } = request;
    if (method !== "GET" && method !== "HEAD" && method !== "POST") throw new ProblemError("INVALID_REQUEST", `${method} is not understood`);
    const answer = await http.request({
      method,
      url: `http://${one.address}${url}`,
      headers: { [FORWARDED]: "1", accept: "application/json", ...(headers.authorization === undefined ? {} : { authorization: headers.authorization }), ...(method === "POST" ? { "content-type": "application/json" } : {}) },
      ...(method === "POST" ? { body: JSON.stringify(request.body ?? {}) } : {}),
      deadlineMs,
      maxBodyBytes: MAX_ANSWER_BYTES,
      connection: "reuse",
    });
    if (answer.kind === "failed") throw new ProblemError("UNAVAILABLE", `the one that acts does not answer: ${answer.detail}`);
    if (answer.bodyCut) throw new ProblemError("UNAVAILABLE", "the answer of the one that acts is too large");
    return reply.code(answer.status).type(answer.headers["content-type"] ?? "application/json").send(answer.body);
  });
}

/** A health check of a DNS provider waits for two seconds. */
const REGION_MS = 1_000;

/**
 * Whether the one that acts calls its region lost. What cannot be asked is not lost: the next leader may be beginning.
 *
 * @param port of its health listener, which is that of all.
 * @returns null: this one acts, nobody does, or no answer came that says it. Never rejects.
 */
export async function lostElsewhere({ acting, http }: Pick<Forwarding, "acting" | "http">, port: number): Promise<boolean | null> {
  const one = acting();
  if (one.kind !== "elsewhere") return null;
  const answer = await http.request({ method: "GET", url: `http://${one.address.replace(/:\d+$/, "")}:${port}/health/region`, headers: { [FORWARDED]: "1" }, deadlineMs: REGION_MS, maxBodyBytes: 4_096, connection: "reuse" });
  if (answer.kind === "failed" || (answer.status !== 200 && answer.status !== 503)) return null;
  return answer.status === 503;
}
