/**
 * A Cloudflare to break: its API v4 for one zone, on the loopback or where it is told. Requests and our own answers are
 * held against the schemas that the client uses, the state is kept, tokens and rights are asked for, the rate limit
 * counts, and what the public would see is written into a real name server.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { envelope, type Operation } from "../../src/adapters/cloudflare/schemas.ts";
import { Control, type Fault } from "./control.ts";
import { match, Refused, type Call, type Matched, type Refusal } from "./routes.ts";
import { may, RateLimits, REAL_QUOTA, type Quota, type Token } from "./tokens.ts";
import { World, type WorldOptions } from "./world.ts";

const MAX_BODY_BYTES = 65_536;
const DRIBBLE_MS = 50;
const ROOT = "/client/v4";

export type StandInOptions = WorldOptions & {
  readonly tokens: readonly Token[];
  readonly quota?: Quota;
  /** Where it listens. Default: a free port of the loopback. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** Milliseconds of a clock for the rate limit. Default: the machine's. */
  readonly now?: () => number;
};

export type CloudflareStandIn = {
  /** What API_URL is at the real one. */
  readonly url: string;
  readonly world: World;
  readonly control: Control;
  close(): Promise<void>;
};

export async function startCloudflare(options: StandInOptions): Promise<CloudflareStandIn> {
  const world = new World(options);
  const control = new Control();
  const api = new Api(world, control, options);
  const server = createServer((request, response) => void api.serve(request, response));
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const { host, port: wanted } = options.listen ?? { host: "127.0.0.1", port: 0 };
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(wanted, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}${ROOT}`,
    world,
    control,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

type Answer = { readonly status: number; readonly body: object; readonly headers?: Readonly<Record<string, string>> };

class Api {
  readonly #world: World;
  readonly #control: Control;
  readonly #tokens: readonly Token[];
  readonly #limits: RateLimits;

  constructor(world: World, control: Control, { tokens, quota = REAL_QUOTA, now = () => performance.now() }: StandInOptions) {
    this.#world = world;
    this.#control = control;
    this.#tokens = tokens;
    this.#limits = new RateLimits(quota, now);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? "";
    const path = request.url ?? "";
    response.once("close", () => this.#control.note({ method, path, status: response.writableFinished ? response.statusCode : null }));
    try {
      const body = await read(request);
      const answer = await this.#answer(request, response, body);
      if (answer !== null) send(response, answer);
    } catch (error) {
      if (error instanceof Refused) return send(response, failure(error.refusal));
      this.#control.problems.push(String(error));
      send(response, failure({ status: 500, code: 10500, message: "Internal server error" }));
    }
  }

  /** null: answered already, or never. */
  async #answer(request: IncomingMessage, response: ServerResponse, text: string): Promise<Answer | null> {
    const method = request.method ?? "";
    const { pathname, searchParams } = new URL(request.url ?? "", "http://stand-in");
    const token = this.#authenticate(request, pathname);
    const { headers, retryAfterSeconds } = this.#limits.count(token);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (retryAfterSeconds !== null) return tooMany(971, null);

    const matched = match(method, pathname.slice(ROOT.length), this.#world);
    const { route, operation, ids } = matched;
    if (route.right !== null && !may(token, route.right)) throw new Refused({ status: 403, code: 10000, message: "Authentication error" });
    const call: Call = { world: this.#world, token, ids, query: queryOf(operation, searchParams), body: bodyOf(operation, text) };
    const fault = this.#control.takeFault(method);
    const passing = { method, path: pathname, token: token.id };
    await this.#control.pass(passing, "before");
    if (fault !== null) return this.#fail(fault, matched, call, response);
    route.find(call);
    const result = await route.run(call, false);
    await this.#control.pass(passing, "after");
    return this.#success(operation, result);
  }

  #authenticate(request: IncomingMessage, path: string): Token {
    const [, value] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "") ?? [];
    if (value === undefined) throw new Refused({ status: 400, code: 6003, message: "Invalid request headers", chain: { code: 6111, message: "Invalid format for Authorization header" } });
    const token = this.#tokens.find((one) => one.value === value);
    const verifying = path.endsWith("/tokens/verify");
    if (token === undefined) throw new Refused(verifying ? { status: 401, code: 1000, message: "Invalid API Token" } : { status: 403, code: 9109, message: "Invalid access token" });
    if (token.status !== "active" && !verifying) throw new Refused({ status: 403, code: 9109, message: "Invalid access token" });
    return token;
  }

  async #fail(fault: Fault, { operation, route }: Matched, call: Call, response: ServerResponse): Promise<Answer | null> {
    if ("written" in fault && fault.written) await route.run(call, false);
    switch (fault.kind) {
      case "rate_limited":
        if (fault.retryAfterSeconds !== null) this.#limits.lockOut(call.token, fault.retryAfterSeconds * 1_000);
        for (const name of fault.retryAfterSeconds === null ? ["ratelimit", "ratelimit-policy"] : []) response.removeHeader(name);
        return tooMany(fault.code ?? 971, fault.retryAfterSeconds);
      case "refused":
        return failure(fault);
      case "html":
        response.writeHead(fault.status, { "content-type": "text/html" }).end("<!DOCTYPE html><html><head><title>Error</title></head><body>cloudflare</body></html>");
        return null;
      case "hang":
        return null;
      case "reset":
        response.socket?.resetAndDestroy();
        return null;
      case "dribble":
        dribble(response);
        return null;
      case "lie":
        return this.#success(operation, await route.run(call, true));
    }
  }

  #success(operation: Operation, result: unknown): Answer {
    const count = Array.isArray(result) ? { result_info: { page: 1, per_page: 100, count: result.length, total_count: result.length, total_pages: 1 } } : {};
    const body = { success: true, errors: [], messages: [], result, ...count };
    envelope.parse(body);
    operation.result.parse(result);
    return { status: 200, body };
  }
}

function failure({ status, code, message, chain }: Refusal): Answer {
  const error = { code, message, ...(chain === undefined ? {} : { error_chain: [chain] }) };
  return { status, body: envelope.parse({ success: false, errors: [error], messages: [], result: null }) };
}

/** The real one's has neither `messages` nor `result`. */
function tooMany(code: 971 | 10429, retryAfterSeconds: number | null): Answer {
  const body = envelope.parse({ success: false, errors: [{ code, message: "Please wait and consider throttling your request speed" }] });
  return { status: 429, body, ...(retryAfterSeconds === null ? {} : { headers: { "retry-after": String(retryAfterSeconds) } }) };
}

function queryOf(operation: Operation, given: URLSearchParams): unknown {
  const query = Object.fromEntries(given);
  if (operation.query === null) return query;
  const parsed = operation.query.safeParse(query);
  if (!parsed.success) throw new Refused({ status: 400, code: 9207, message: `Invalid query: ${parsed.error.message}` });
  return parsed.data;
}

function bodyOf(operation: Operation, text: string): unknown {
  if (operation.body === null) return null;
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new Refused({ status: 400, code: 9207, message: "Request body is invalid." });
  }
  const parsed = operation.body.safeParse(given);
  if (!parsed.success) throw new Refused({ status: 400, code: 1004, message: "DNS Validation Error", chain: { code: 9207, message: parsed.error.message } });
  return parsed.data;
}

async function read(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_BODY_BYTES) throw new Refused({ status: 413, code: 10413, message: "Request Entity Too Large" });
  }
  return text;
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  if (response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

function dribble(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" });
  const drip = setInterval(() => response.write(" "), DRIBBLE_MS);
  response.once("close", () => clearInterval(drip));
}
