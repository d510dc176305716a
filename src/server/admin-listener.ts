/**
 * The admin listener: state for people and scripts, and their orders. Every call needs a bearer token.
 */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import * as z from "zod";
import { LEDGER_KINDS } from "../core/ledger-entry.ts";
import { parseDuration } from "../core/time.ts";
import type { Control, Order, OrderResult, PauseScope } from "../ports/control.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { RegionControl } from "../ports/region-control.ts";
import { forwardCalls, type Forwarding } from "./forward.ts";
import { NO_SCHEMAS } from "./no-schemas.ts";
import { answerProblems, ProblemError } from "./problem-answers.ts";
import { may, personOf, type KnownToken, type Person } from "./tokens.ts";

export type AdminParts = {
  readonly control: Control;
  readonly ledger: Pick<Ledger, "query">;
  /** Of a site with regions; null: it has none, or this one does not act. */
  readonly regions: () => RegionControl | null;
  readonly tokens: readonly KnownToken[];
  /** Where another one may be the one that acts; absent: this one is. */
  readonly forward?: Omit<Forwarding, "deadlineMs" | "tokens">;
  /** Told of errors of our own, which the asker is not shown. Must not throw. */
  readonly trouble: (detail: string) => void;
};

const duration = z.string().max(32).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: "custom", message: `a duration such as "30m" was expected, not "${text.slice(0, 32)}"` });
  return z.NEVER;
});
const order = { why: z.string().min(1).max(500), dry_run: z.boolean().default(false) };
const name = z.string().min(1).max(200);
const scope = z
  .string()
  .max(220)
  .regex(/^(all|(policy|target):.+)$/, '"all", "policy:NAME" or "target:NAME" was expected')
  .transform((text): PauseScope => {
    if (text === "all") return { kind: "all" };
    const [kind, ...rest] = text.split(":");
    return kind === "policy" ? { kind: "policy", policy: rest.join(":") } : { kind: "target", target: rest.join(":") };
  });

const bodies = {
  ack: z.strictObject({ ...order, target: name, check: name.optional(), for: duration.optional() }),
  pause: z.strictObject({ ...order, scope, for: duration.optional() }),
  resume: z.strictObject({ ...order, scope }),
  restart: z.strictObject({ ...order, target: name }),
  failover: z.strictObject({ ...order, to: name }),
  failback: z.strictObject({ ...order }),
  adopt: z.strictObject({ ...order }),
  drill: z.strictObject({ ...order, to: name }),
};
const ledgerQuery = z.strictObject({
  since: z.coerce.number().int().nonnegative().optional(),
  after: z.coerce.number().int().nonnegative().optional(),
  kind: z.enum(LEDGER_KINDS).optional(),
  target: name.optional(),
  limit: z.coerce.number().int().min(1).max(10_000).optional(),
});

/** Silence after which a connection is closed: above the longest a restart may take (120 s of grace), whose answer comes at its end. */
export const ADMIN_SILENCE_MS = 150_000;

/** Builds the listener; the caller listens and closes. */
export function adminListener(parts: AdminParts): FastifyInstance {
  const app = fastify({ logger: false, schemaController: NO_SCHEMAS, bodyLimit: 16_384, connectionTimeout: ADMIN_SILENCE_MS, requestTimeout: 10_000 });
  answerProblems(app, parts.trouble);
  if (parts.forward !== undefined) forwardCalls(app, { ...parts.forward, tokens: parts.tokens, deadlineMs: ADMIN_SILENCE_MS - 5_000 });
  reading(app, parts);
  ordering(app, parts);
  orderingRegions(app, parts);
  return app;
}

function reading(app: FastifyInstance, parts: AdminParts): void {
  const { control } = parts;
  app.get("/api/v1/status", (request) => {
    ask(request, parts, "viewer");
    return { ...control.snapshot(), regions: parts.regions()?.view() ?? null };
  });
  app.get<{ Params: { target: string } }>("/api/v1/why/:target", (request) => {
    ask(request, parts, "viewer");
    const known = control.snapshot().targets.map((target) => target.id);
    const view = control.why(request.params.target);
    if (view === null) throw new ProblemError("NOT_FOUND", `no target "${request.params.target.slice(0, 100)}"; there are: ${known.join(", ")}, site`);
    return view;
  });
  app.get("/api/v1/ledger", async (request) => {
    ask(request, parts, "viewer");
    const query = parse(ledgerQuery, request.query);
    const entries = await parts.ledger.query({
      ...(query.since === undefined ? {} : { since: query.since }),
      ...(query.after === undefined ? {} : { afterSeq: query.after }),
      ...(query.kind === undefined ? {} : { kinds: [query.kind] }),
      ...(query.target === undefined ? {} : { target: query.target }),
      ...(query.limit === undefined ? {} : { limit: query.limit }),
    });
    return { entries };
  });
}

function ordering(app: FastifyInstance, parts: AdminParts): void {
  const { control } = parts;
  const from = (request: FastifyRequest, body: { readonly why: string; readonly dry_run: boolean }): Order => ({
    who: ask(request, parts, "operator").name,
    why: body.why,
    dryRun: body.dry_run,
  });
  app.post("/api/v1/ack", async (request, reply) => {
    ask(request, parts, "operator");
    const body = parse(bodies.ack, request.body);
    return answered(reply, await control.acknowledge({ ...from(request, body), target: body.target, check: body.check ?? null, forMs: body.for ?? null }));
  });
  app.post("/api/v1/pause", async (request, reply) => {
    ask(request, parts, "operator");
    const body = parse(bodies.pause, request.body);
    return answered(reply, await control.pause({ ...from(request, body), scope: body.scope, forMs: body.for ?? null }));
  });
  app.post("/api/v1/resume", async (request, reply) => {
    ask(request, parts, "operator");
    const body = parse(bodies.resume, request.body);
    return answered(reply, await control.resume({ ...from(request, body), scope: body.scope }));
  });
  app.post("/api/v1/restart", async (request, reply) => {
    ask(request, parts, "operator");
    const body = parse(bodies.restart, request.body);
    return answered(reply, await control.restart({ ...from(request, body), target: body.target }));
  });
}

function orderingRegions(app: FastifyInstance, parts: AdminParts): void {
  const given = <Schema extends z.ZodType<{ readonly why: string; readonly dry_run: boolean }>>(request: FastifyRequest, schema: Schema): { readonly regions: RegionControl; readonly body: z.output<Schema>; readonly order: Order } => {
    const who = ask(request, parts, "operator").name;
    const body = parse(schema, request.body);
    const regions = parts.regions();
    if (regions === null) throw new ProblemError("REFUSED", "no regions are configured here: regions: and failover: in shopkeeper.yaml");
    return { regions, body, order: { who, why: body.why, dryRun: body.dry_run } };
  };
  app.post("/api/v1/failover", async (request, reply) => {
    const { regions, body, order: ordered } = given(request, bodies.failover);
    return answered(reply, await regions.failover({ ...ordered, to: body.to }));
  });
  app.post("/api/v1/failback", async (request, reply) => {
    const { regions, order: ordered } = given(request, bodies.failback);
    return answered(reply, await regions.failover({ ...ordered, to: null }));
  });
  app.post("/api/v1/failover/adopt", async (request, reply) => {
    const { regions, order: ordered } = given(request, bodies.adopt);
    return answered(reply, await regions.adopt(ordered));
  });
  app.post("/api/v1/failover/ack", async (request, reply) => {
    const { regions, order: ordered } = given(request, bodies.adopt);
    return answered(reply, await regions.acknowledge(ordered));
  });
  app.post("/api/v1/drill/failover", async (request, reply) => {
    const { regions, body, order: ordered } = given(request, bodies.drill);
    const result = await regions.rehearse({ ...ordered, to: body.to });
    return result.kind === "done" ? reply.send(result) : answered(reply, result);
  });
}

/** The caller, when the token is known and its role allows it. Asked before the body is looked at. */
function ask(request: FastifyRequest, parts: AdminParts, role: "viewer" | "operator"): Person {
  const person = personOf(request.headers.authorization, parts.tokens);
  if (person === null) throw new ProblemError("UNAUTHORIZED", 'send "Authorization: Bearer TOKEN" with a token of the configuration');
  if (!may(person, role)) throw new ProblemError("FORBIDDEN", `${person.name} is ${person.role}; this needs ${role}`);
  return person;
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const text = result.error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`).join("; ");
  throw new ProblemError("INVALID_REQUEST", text.slice(0, 1_000));
}

function answered(reply: FastifyReply, answer: OrderResult): FastifyReply {
  if (answer.kind === "refused") throw new ProblemError(answer.code.startsWith("UNKNOWN") ? "NOT_FOUND" : "REFUSED", answer.text);
  return reply.send(answer);
}
