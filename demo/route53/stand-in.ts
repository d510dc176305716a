/**
 * A stand-in for Amazon Route 53: the record sets, changes and health checks of one hosted zone, as its XML API has them. It holds
 * state, checks signatures and requests, refuses in the real one's words, and fails on command. Where it is given a name server,
 * the public sees there what stands in the zone.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { errorXml, healthCheckXml, changeXml, listXml, refusalXml, type HealthCheck } from "./answers.ts";
import { publish } from "./publish.ts";
import { InvalidInput, readBatch, withDot } from "./requests.ts";
import { whyNotSigned, type Key } from "./signature.ts";
import { InvalidBatch, Zone, type Change } from "./zone.ts";
import type { PublicDns } from "../dns/powerdns.ts";

export type Operation = "list" | "change" | "get_change" | "health_check";

/**
 * `before`: nothing is done; `after`: it is done, and then no answer or a useless one is given.
 * `hang`: no answer at all. `reset`: the connection breaks. `http_400`, `http_500`: no code in it. `odd_200`: HTML. `huge`: two megabytes.
 * `full_zone`: a batch that is refused for more than its own content. `lie`: a change that is accepted, and not made.
 */
export type Fault =
  | "throttling"
  | "prior_request"
  | "denied"
  | "no_zone"
  | "full_zone"
  | "lie"
  | `${"hang" | "reset" | "http_400" | "http_500" | "odd_200" | "huge"}_${"before" | "after"}`;

/** Where a request is held back: before it is carried out, or before it is answered. */
export type Point = "before" | "after";

/** A request held back: the writer who is paused. */
export type Held = {
  /** Resolves when such a request has arrived there, whole. */
  readonly arrived: Promise<void>;
  /** Lets it go on now, whether or not anybody waits for its answer. Resolves when it was carried out and answered. */
  release(): Promise<void>;
};

export type Heard = { readonly method: string; readonly url: string; readonly body: string; readonly operation: Operation };

type Answer = readonly [status: number, xml: string];

const MAX_BODY_BYTES = 65_536;
const MAX_HEARD = 10_000;

export type StandInOptions = {
  readonly zoneId: string;
  readonly zoneName: string;
  /** The only one accepted. */
  readonly key: Key;
  /** Default null: the public looks nowhere. */
  readonly dns?: PublicDns | null;
};

export async function startRoute53({ zoneId, zoneName, key, dns = null }: StandInOptions): Promise<StandIn> {
  const standIn = new StandIn(new Zone(zoneId, withDot(zoneName)), key, dns);
  await standIn.listen();
  return standIn;
}

export class StandIn {
  readonly zone: Zone;
  readonly heard: Heard[] = [];
  readonly healthChecks = new Map<string, HealthCheck>();
  /** How often a change is PENDING before it is INSYNC. */
  pendingPolls = 0;
  /** Record sets a page, whatever is asked for. */
  pageSize = 300;
  /** Refused batches come with a code, as newer ones do, or as an element of their own. */
  coded = false;
  /** Its clock against this machine's. */
  clockOffsetMs = 0;

  readonly #key: Key;
  readonly #dns: PublicDns | null;
  readonly #faults: { readonly on: Operation; readonly how: Fault }[] = [];
  readonly #holds: { readonly on: Operation; readonly point: Point; readonly arrive: () => void; readonly released: Promise<void>; readonly finish: () => void }[] = [];
  readonly #polls = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor(zone: Zone, key: Key, dns: PublicDns | null) {
    this.zone = zone;
    this.#key = key;
    this.#dns = dns;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** The next `times` such requests fail so. */
  fail(on: Operation, how: Fault, times = 1): void {
    for (let n = 0; n < times; n++) this.#faults.push({ on, how });
  }

  /** The next such request is held back there. */
  hold(on: Operation, point: Point = "before"): Held {
    const [arrived, released, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.#holds.push({ on, point, arrive: arrived.resolve, released: released.promise, finish: done.resolve });
    return { arrived: arrived.promise, release: () => (released.resolve(), done.promise) };
  }

  /**
   * By a request, or by somebody's hand: made, and seen by the public.
   *
   * @throws {InvalidBatch} and then nothing has changed.
   */
  async edit(batch: readonly Change[]): Promise<void> {
    this.zone.apply(batch);
    if (this.#dns !== null) await publish(this.zone, batch, this.#dns);
  }

  /** How many such requests came. */
  count(operation: Operation): number {
    return this.heard.filter((one) => one.operation === operation).length;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const url = new URL(request.url ?? "/", this.url);
    const operation = operationOf(request.method ?? "", url.pathname, this.zone.id);
    if (body === null || operation === null) return send(response, ...noZone(url));
    if (this.heard.length < MAX_HEARD) this.heard.push({ method: request.method ?? "", url: url.href, body, operation });
    const unsigned = whyNotSigned({ method: request.method ?? "", url, headers: request.headers, body }, this.#key, Date.now() + this.clockOffsetMs);
    response.setHeader("date", new Date(Date.now() + this.clockOffsetMs).toUTCString());
    if (unsigned !== null) return send(response, 403, errorXml(unsigned.code, unsigned.message));
    await this.#carryOut(operation, url, body, response);
  }

  async #carryOut(operation: Operation, url: URL, body: string, response: ServerResponse): Promise<void> {
    const at = this.#faults.findIndex(({ on }) => on === operation);
    const how = at < 0 ? null : (this.#faults.splice(at, 1)[0]?.how ?? null);
    const refusal = how === null ? null : this.#refusal(how, operation, url);
    if (refusal !== null) return send(response, ...refusal);
    if (how?.endsWith("_before") === true) return spoil(how, response);
    const finishEarly = await this.#pass(operation, "before");
    const answer = how === "lie" ? this.#accepted() : await this.#do(operation, url, body);
    const finishLate = await this.#pass(operation, "after");
    if (how !== null && how !== "lie") spoil(how, response);
    else send(response, ...answer);
    finishEarly();
    finishLate();
  }

  /** Waits where such a request is held. @returns what tells whoever held it that it is answered. */
  async #pass(operation: Operation, point: Point): Promise<() => void> {
    const at = this.#holds.findIndex((one) => one.on === operation && one.point === point);
    const hold = at < 0 ? undefined : this.#holds.splice(at, 1)[0];
    if (hold === undefined) return () => {};
    hold.arrive();
    await hold.released;
    return hold.finish;
  }

  /** On command, in the real one's words; null: such a fault is none. */
  #refusal(how: Fault, operation: Operation, url: URL): Answer | null {
    switch (how) {
      case "throttling":
        return [400, errorXml("Throttling", "Rate exceeded")];
      case "prior_request":
        return [400, errorXml("PriorRequestNotComplete", "The request was rejected because Route 53 was still processing a prior request.")];
      case "denied":
        return [403, errorXml("AccessDenied", `User: arn:aws:iam::123456789012:user/shop is not authorized to perform: ${operation} on resource: ${url.pathname} because no identity-based policy allows it`)];
      case "no_zone":
        return noZone(url);
      case "full_zone":
        return this.#refusedBatch(["Number of records limit of 10000 exceeded."]);
      default:
        return null;
    }
  }

  async #do(operation: Operation, url: URL, body: string): Promise<Answer> {
    const last = url.pathname.split("/").at(-1) ?? "";
    try {
      switch (operation) {
        case "list":
          return [200, this.#list(url.searchParams)];
        case "change":
          await this.edit(readBatch(body));
          return this.#accepted();
        case "get_change":
          return this.#polls.has(last) ? [200, this.#poll(last)] : [404, errorXml("NoSuchChange", `A change with the specified change ID does not exist: ${last}`)];
        case "health_check": {
          const check = this.healthChecks.get(last);
          return check === undefined ? [404, errorXml("NoSuchHealthCheck", `A health check with id ${last} does not exist.`)] : [200, healthCheckXml(last, check)];
        }
      }
    } catch (error) {
      if (error instanceof InvalidInput) return [400, errorXml("InvalidInput", error.message)];
      if (error instanceof InvalidBatch) return this.#refusedBatch(error.messages);
      throw error;
    }
  }

  #refusedBatch(messages: readonly string[]): Answer {
    return [400, this.coded ? errorXml("InvalidChangeBatch", `[${messages.join(", ")}]`) : refusalXml(messages)];
  }

  #list(query: URLSearchParams): string {
    const name = query.get("name");
    const type = query.get("type") ?? "";
    if (name === null && type !== "") throw new InvalidInput("The input is not valid");
    const from = this.zone.from(withDot(name ?? this.zone.name), type, query.get("identifier") ?? "");
    const most = Math.min(this.pageSize, Number(query.get("maxitems") ?? 300));
    return listXml(from.slice(0, most), from[most] ?? null, most);
  }

  #accepted(): Answer {
    const id = `C${String(this.#polls.size + 1).padStart(13, "0")}`;
    this.#polls.set(id, this.pendingPolls);
    return [200, changeXml("ChangeResourceRecordSetsResponse", id, "PENDING")];
  }

  #poll(id: string): string {
    const left = this.#polls.get(id) ?? 0;
    this.#polls.set(id, Math.max(0, left - 1));
    return changeXml("GetChangeResponse", id, left > 0 ? "PENDING" : "INSYNC");
  }
}

const noZone = (url: URL): Answer => [404, errorXml("NoSuchHostedZone", `No hosted zone found with ID: ${url.pathname.split("/")[3] ?? ""}`)];

function operationOf(method: string, path: string, zoneId: string): Operation | null {
  if (path === `/2013-04-01/hostedzone/${zoneId}/rrset`) return method === "GET" ? "list" : method === "POST" ? "change" : null;
  if (method !== "GET") return null;
  return path.startsWith("/2013-04-01/change/") ? "get_change" : path.startsWith("/2013-04-01/healthcheck/") ? "health_check" : null;
}

async function bodyOf(request: IncomingMessage): Promise<string | null> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_BODY_BYTES) return null;
  }
  return text;
}

function send(response: ServerResponse, status: number, xml: string): void {
  response.writeHead(status, { "content-type": "text/xml" });
  response.end(xml);
}

function spoil(how: Fault, response: ServerResponse): void {
  if (how.startsWith("hang")) return;
  if (how.startsWith("reset")) return void response.destroy();
  if (how.startsWith("http_")) return send(response, how.startsWith("http_400") ? 400 : 500, "<html><body>Error</body></html>");
  if (how.startsWith("huge")) return send(response, 200, `<?xml version="1.0"?><!--${"x".repeat(2_097_152)}-->`);
  send(response, 200, "<html><body>Welcome</body>");
}
