/**
 * The health listener: `/health*` for probes and peers, `/metrics` for Prometheus. Read-only.
 */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Reach } from "../core/reach.ts";
import type { Readiness } from "../core/readiness.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { checkBody, httpStatusOf, siteBody, type GatewayStanding, type HealthBody } from "./health-body.ts";
import { FORWARDED } from "./forward.ts";
import { NO_SCHEMAS } from "./no-schemas.ts";
import { answerProblems, ProblemError } from "./problem-answers.ts";
import { personOf, type KnownToken } from "./tokens.ts";

export type HealthParts = {
  readonly snapshot: () => Snapshot;
  /** Check's name by the path it is published under ("/health/shopify" → "shopify_api"). */
  readonly published: ReadonlyMap<string, string>;
  readonly readiness: () => Readiness;
  readonly started: () => boolean;
  /** What the gateway has and saw. */
  readonly gateway: () => GatewayStanding;
  /** Prometheus text and its content type. */
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
  /** Tokens that may see details; empty: nobody may. */
  readonly peers: readonly KnownToken[];
  readonly version: string;
  /** Of a shop with regions: why buyers should be led elsewhere; null: the site's own status is all there is. */
  readonly region: () => { readonly lost: () => string | null } | null;
  /** Whether the region is lost, asked of the one that acts where this one does not; null: nobody says. Never rejects. */
  readonly lostElsewhere: () => Promise<boolean | null>;
  /** Looks at a sibling by its address, for a peer who cannot reach it; null: this one has no siblings. Never rejects. */
  readonly reach: ((address: string) => Promise<Reach>) | null;
  /** Told of errors of our own, which the asker is not shown. Must not throw. */
  readonly trouble: (detail: string) => void;
};

const HEALTH_JSON = "application/health+json; charset=utf-8";

/** Builds the listener; the caller listens and closes. */
export function healthListener(parts: HealthParts): FastifyInstance {
  const app = fastify({ logger: false, schemaController: NO_SCHEMAS, bodyLimit: 1_024, connectionTimeout: 10_000, requestTimeout: 5_000 });
  answerProblems(app, parts.trouble);
  const details = (request: FastifyRequest): boolean => personOf(request.headers.authorization, parts.peers) !== null;
  const site = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    answer(reply, siteBody(parts.snapshot(), details(request) ? { version: parts.version, ready: parts.readiness().ready, ...parts.gateway() } : null));

  const ofAnother = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const lost = request.headers[FORWARDED] === undefined ? await parts.lostElsewhere() : null;
    return lost === null ? site(request, reply) : answer(reply, { status: lost ? "fail" : "pass" });
  };

  app.get("/health", site);
  // One process sees one region: its own. Of several, one is well while enough of its instances are.
  app.get("/health/region", (request, reply) => {
    const region = parts.region();
    if (region === null) return ofAnother(request, reply);
    const lost = region.lost();
    if (lost === null) return answer(reply, { status: "pass" });
    return answer(reply, details(request) ? { status: "fail", notes: [lost] } : { status: "fail" });
  });
  app.get("/health/live", (_request, reply) => answer(reply, { status: "pass" }));
  app.get("/health/ready", (request, reply) => {
    const { ready, reason } = parts.readiness();
    const body: HealthBody = { status: ready ? "pass" : "fail" };
    return answer(reply, details(request) ? { ...body, notes: [reason] } : body);
  });
  app.get("/health/startup", (_request, reply) => answer(reply, { status: parts.started() ? "pass" : "fail" }));
  app.get<{ Params: { check: string } }>("/health/:check", (request, reply) => {
    const name = parts.published.get(`/health/${request.params.check}`) ?? request.params.check;
    const body = checkBody(parts.snapshot(), name, details(request));
    if (body === null) throw new ProblemError("NOT_FOUND", `no check is published at /health/${request.params.check}`);
    return answer(reply, body);
  });
  app.get<{ Params: { address: string } }>("/health/peers/:address", async (request, reply) => {
    if (parts.reach === null) throw new ProblemError("NOT_FOUND", "this one knows no siblings");
    if (!details(request)) throw new ProblemError("UNAUTHORIZED", "only a peer may ask that");
    return reply.type("application/json; charset=utf-8").header("cache-control", "no-store").send(JSON.stringify(reachBody(await parts.reach(request.params.address))));
  });
  app.get("/metrics", async (_request, reply) => {
    const { text, contentType } = await parts.metrics();
    return reply.type(contentType).send(text);
  });
  return app;
}

/** `reached` true, false, or null where nothing is known. @throws {ProblemError} for an address that is no sibling's. */
function reachBody(reach: Reach): { readonly reached: boolean | null; readonly cause?: string } {
  switch (reach.kind) {
    case "reached":
      return { reached: true };
    case "not_reached":
      return { reached: false, cause: reach.cause };
    case "unknown":
      return { reached: null, cause: reach.why };
    case "stranger":
      throw new ProblemError("NOT_FOUND", "no sibling has this address");
  }
}

function answer(reply: FastifyReply, body: HealthBody): FastifyReply {
  return reply.code(httpStatusOf(body.status)).type(HEALTH_JSON).header("cache-control", "no-store").send(JSON.stringify(body));
}
