/**
 * The public listener: regions and witnesses answer each other here, and nothing else is served. Every question is signed, or is refused unread.
 */
import fastify, { type FastifyInstance } from "fastify";
import { MAX_EXCHANGE_BYTES, formatAnswer, parseQuestion, type RegionAnswer, type RegionQuestion } from "../core/region/exchange.ts";
import type { Ms } from "../core/time.ts";
import type { Http } from "../ports/http.ts";
import { FORWARDED, type ActingOne } from "./forward.ts";
import { NO_SCHEMAS } from "./no-schemas.ts";
import { answerProblems, ProblemError } from "./problem-answers.ts";

export type PublicParts = {
  /** What this daemon sees. Must not throw; null: it is starting or ending. */
  readonly answer: (question: RegionQuestion) => RegionAnswer | null;
  readonly isSigned: (body: string, signature: string | undefined) => boolean;
  readonly sign: (body: string) => string;
  readonly signatureHeader: string;
  /** Where another daemon may be the one that acts: its answer is passed on as it is, signature and all. */
  readonly forward?: { readonly acting: () => ActingOne; readonly http: Http; readonly port: number };
  /** Told of errors of our own, which the asker is not shown. Must not throw. */
  readonly trouble: (detail: string) => void;
};

/** Whoever asked waits for about a second. */
const PASS_ON_MS: Ms = 700;

/** Strangers may connect: one that says nothing must not hold a place for long. */
const HEADERS_MS: Ms = 1_500;
const REQUEST_MS: Ms = 3_000;

/** Builds the listener; the caller listens and closes. */
export function publicListener({ answer, isSigned, sign, signatureHeader, forward, trouble }: PublicParts): FastifyInstance {
  const app = fastify({ logger: false, schemaController: NO_SCHEMAS, bodyLimit: MAX_EXCHANGE_BYTES, connectionTimeout: 10_000, requestTimeout: REQUEST_MS, http: { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: 500 } });
  answerProblems(app, trouble);
  // The signature is of the bytes: they are compared before anybody reads them as JSON.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => done(null, body));
  app.post<{ Body: string | undefined }>("/region/votes", async (request, reply) => {
    const body = request.body ?? "";
    const given = request.headers[signatureHeader];
    if (!isSigned(body, typeof given === "string" ? given : undefined)) throw new ProblemError("FORBIDDEN", "the question is not signed with this shop's secret");
    const question = parseQuestion(body);
    if (question === null) throw new ProblemError("INVALID_REQUEST", "the question cannot be read: is the asker of another version?");
    const elsewhere = forward === undefined || request.headers[FORWARDED] !== undefined ? null : addressOf(forward);
    if (forward !== undefined && elsewhere !== null) {
      const passed = await forward.http.request({ method: "POST", url: `http://${elsewhere}/region/votes`, headers: { [FORWARDED]: "1", "content-type": "application/json", [signatureHeader]: String(given) }, body, deadlineMs: PASS_ON_MS, maxBodyBytes: MAX_EXCHANGE_BYTES, connection: "reuse", idempotent: true });
      if (passed.kind === "failed" || passed.status !== 200 || passed.bodyCut) throw new ProblemError("UNAVAILABLE", "the one that acts does not answer");
      return reply.type("application/json; charset=utf-8").header(signatureHeader, passed.headers[signatureHeader] ?? "").header("cache-control", "no-store").send(passed.body);
    }
    const said = answer(question);
    if (said === null) throw new ProblemError("UNAVAILABLE", "nothing is known yet");
    const text = formatAnswer(said);
    return reply.type("application/json; charset=utf-8").header(signatureHeader, sign(text)).header("cache-control", "no-store").send(text);
  });
  return app;
}

/** The acting one's own public listener, which has this one's port; null: nobody else acts. */
function addressOf({ acting, port }: NonNullable<PublicParts["forward"]>): string | null {
  const one = acting();
  return one.kind === "elsewhere" ? `${one.address.replace(/:\d+$/, "")}:${port}` : null;
}
