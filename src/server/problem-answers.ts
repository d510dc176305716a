/**
 * How a listener answers what goes wrong: always as a problem, never with a stack.
 */
import type { FastifyInstance, FastifyReply } from "fastify";
import { problem, ProblemError, PROBLEMS, type Problem } from "./problem.ts";

export { ProblemError } from "./problem.ts";

/** Longest part of a request's path that is repeated to the asker, in characters. */
const MAX_SHOWN = 100;

/** @param trouble told of errors of our own, which the asker is not shown */
export function answerProblems(app: FastifyInstance, trouble: (detail: string) => void): void {
  app.setErrorHandler((error, request, reply) => {
    const found = toProblem(error);
    if (found.code === "INTERNAL") trouble(`${request.method} ${request.url.slice(0, MAX_SHOWN)}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return send(reply, found);
  });
  app.setNotFoundHandler((request, reply) => send(reply, problem("NOT_FOUND", `there is no ${request.method} ${request.url.slice(0, MAX_SHOWN)}`)));
}

function send(reply: FastifyReply, body: Problem): FastifyReply {
  if (body.code === "UNAUTHORIZED") void reply.header("www-authenticate", 'Bearer realm="shopkeeper"');
  return reply.code(PROBLEMS[body.code].status).type("application/problem+json").header("cache-control", "no-store").send(JSON.stringify(body));
}

function toProblem(error: unknown): Problem {
  if (error instanceof ProblemError) return problem(error.code, error.message);
  // fastify's own refusals (body too large, not JSON) carry a 4xx status.
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
  if (typeof status === "number" && status >= 400 && status < 500) return problem("INVALID_REQUEST", error instanceof Error ? error.message : "it could not be read");
  return problem("INTERNAL", "see the daemon's log");
}
