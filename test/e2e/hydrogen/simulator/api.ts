/** `POST /api/<version>/graphql.json`: one call to the simulated Storefront API, with whatever fault was planned for it. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { STATUS_CODES } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { Call, Execute } from "./execute.ts";
import type { Fault, FaultPlan } from "./faults.ts";
import { readBody, writeHead } from "./http.ts";
import type { Journal } from "./journal.ts";
import type { TrackingMode } from "./tracking.ts";
import { track } from "./tracking.ts";

export type Api = {
  readonly execute: Execute;
  readonly faults: FaultPlan;
  readonly journal: Journal;
  readonly tracking: () => TrackingMode;
};

const DRIP_BYTES = 64;
const DRIP_MS = 50;
/** Time for the first half of a truncated answer to leave before the connection closes. */
const TRUNCATE_AFTER_MS = 20;

/** A complete answer, before anything goes wrong with it. */
type Answer = { readonly status: number; readonly text: string; readonly headers: OutgoingHttpHeaders; readonly outcome: string };

type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly headers: OutgoingHttpHeaders;
  readonly requestId: string;
  /** Notes the outcome; the first one counts. */
  readonly done: (outcome: string) => void;
};

export async function answerCall(api: Api, request: IncomingMessage, response: ServerResponse, version: string): Promise<void> {
  const startedAt = performance.now();
  const call = readCall(await readBody(request));
  if (!call) {
    response.writeHead(400, { "content-type": "application/json" }).end('{"errors":"Invalid JSON"}');
    return;
  }
  const operation = call.operationName ?? /\b(?:query|mutation)\s+(\w+)/.exec(call.query)?.[1] ?? "anonymous";
  const done = api.journal.begin(operation, call.variables, request.headers);
  response.on("close", () => {
    if (!response.writableFinished) api.journal.clientLeft();
    done("closed-early");
  });

  const { delayMs, fault } = api.faults.decide(operation);
  if (delayMs > 0) await pause(delayMs);
  if (response.destroyed) return;

  const requestId = `${randomUUID()}-${Math.floor(Date.now() / 1000)}`;
  const headers = { "x-request-id": requestId, "x-shopify-api-version": version, "powered-by": "Shopify", "x-content-type-options": "nosniff" };
  const exchange: Exchange = { request, response, headers, requestId, done };
  const truth = (spoil = false): Answer => execute(api, exchange, call, startedAt, spoil);
  if (fault) await misbehave(fault, exchange, truth);
  else send(exchange, truth());
}

/** The right answer, with the tokens and cookies the API sends beside it; `spoil` adds an error to the data. */
function execute(api: Api, { request, headers }: Exchange, call: Call, startedAt: number, spoil: boolean): Answer {
  const executed = api.execute(call);
  const field = Object.keys(executed.data ?? {})[0] ?? "shop";
  const spoiled = [{ message: "Internal error", path: [field], extensions: { code: "INTERNAL_SERVER_ERROR" } }];
  const result = spoil ? { ...executed, errors: spoiled } : executed;
  const { serverTiming, cookies } = track(api.tracking(), request.headers);
  const tookMs = (performance.now() - startedAt).toFixed(0);
  return {
    status: 200,
    text: JSON.stringify(result),
    headers: {
      ...headers,
      "server-timing": [`processing;dur=${tookMs}`, ...serverTiming].join(", "),
      ...(cookies.length > 0 && { "set-cookie": [...cookies] }),
    },
    outcome: result.errors ? "gql-errors" : "ok",
  };
}

async function misbehave(fault: Fault, exchange: Exchange, truth: (spoil?: boolean) => Answer): Promise<void> {
  const { request, response, requestId, done } = exchange;
  switch (fault.kind) {
    case "hang":
      return;
    case "reset":
      done("reset");
      request.socket.resetAndDestroy();
      return;
    case "status": {
      const extra = fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) };
      return send(exchange, refusal(exchange, fault.status, [statusError(fault.status)], extra));
    }
    case "blocked":
      return send(exchange, refusal(exchange, 430, [{ message: "Shopify Security Rejection" }]));
    case "throttled": {
      const documentation = "https://shopify.dev/api/usage/rate-limits";
      const errors = [{ message: "Throttled", extensions: { code: "THROTTLED", documentation } }];
      return send(exchange, { ...refusal(exchange, 200, errors), outcome: "throttled" });
    }
    case "gqlerror": {
      const message = `Internal error. Looks like something went wrong on our end.\nRequest ID: ${requestId} (include this in support requests).`;
      const errors = [{ message, extensions: { code: "INTERNAL_SERVER_ERROR", requestId } }];
      return send(exchange, { ...refusal(exchange, 200, errors), text: JSON.stringify({ data: null, errors }), outcome: "gqlerror" });
    }
    case "html": {
      const headers = { ...exchange.headers, "content-type": "text/html; charset=utf-8" };
      return send(exchange, { status: 200, text: "<!doctype html><title>Just a moment</title>", headers, outcome: "html200" });
    }
    case "partial":
      return send(exchange, truth(true));
    case "truncate": {
      const { status, text, headers } = truth();
      const body = writeHead(request, response, status, text, headers);
      done("truncated");
      response.write(body.subarray(0, body.length >> 1));
      await pause(TRUNCATE_AFTER_MS);
      response.destroy();
      return;
    }
    case "drip":
      return await drip(exchange, truth(), fault.ms ?? DRIP_MS);
  }
}

function statusError(status: number): object {
  if (status === 429) return { message: "Too Many Requests", extensions: { code: "THROTTLED" } };
  return { message: STATUS_CODES[status] ?? "Error" };
}

function refusal({ headers }: Exchange, status: number, errors: readonly object[], extra: OutgoingHttpHeaders = {}): Answer {
  return { status, text: JSON.stringify({ errors }), headers: { ...headers, ...extra }, outcome: String(status) };
}

function send({ request, response, done }: Exchange, { status, text, headers, outcome }: Answer): void {
  done(outcome);
  response.end(writeHead(request, response, status, text, headers));
}

async function drip({ request, response, done }: Exchange, { status, text, headers }: Answer, ms: number): Promise<void> {
  const body = writeHead(request, response, status, text, headers);
  for (let sent = 0; sent < body.length && !response.destroyed; sent += DRIP_BYTES) {
    response.write(body.subarray(sent, sent + DRIP_BYTES));
    await pause(ms);
  }
  done("drip");
  response.end();
}

function readCall(text: string): Call | null {
  try {
    const body = JSON.parse(text) as { query?: unknown; variables?: unknown; operationName?: unknown };
    return {
      query: typeof body.query === "string" ? body.query : "",
      variables: typeof body.variables === "object" && body.variables !== null ? { ...body.variables } : {},
      operationName: typeof body.operationName === "string" ? body.operationName : undefined,
    };
  } catch {
    return null;
  }
}
