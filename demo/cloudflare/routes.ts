/** What the stand-in does with a call that is let in: each of the shared operations, and the refusals of the real one. */
import { isIPv4, isIPv6 } from "node:net";
import type * as z from "zod";
import {
  AUTOMATIC_TTL, GET_LOAD_BALANCER, GET_POOL, GET_RECORD, LIST_RECORDS, OPERATIONS, PATCH_LOAD_BALANCER, PATCH_POOL, PATCH_RECORD, VERIFY_ACCOUNT_TOKEN, VERIFY_USER_TOKEN,
  type loadBalancerPatch, type Operation, type poolPatch, type recordPatch, type recordQuery,
} from "../../src/adapters/cloudflare/schemas.ts";
import type { Right, Token } from "./tokens.ts";
import type { StoredRecord, World } from "./world.ts";

export type Refusal = { readonly status: number; readonly code: number; readonly message: string; readonly chain?: { readonly code: number; readonly message: string } };

export class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

const refuse = (status: number, code: number, message: string): never => {
  throw new Refused({ status, code, message });
};

export type Call = { readonly world: World; readonly token: Token; readonly ids: readonly string[]; readonly query: unknown; readonly body: unknown };

/** `dry`: what it would answer, changing nothing. */
type Route = { readonly right: Right | null; readonly find: (call: Call) => void; readonly run: (call: Call, dry: boolean) => unknown };

const ROUTES = new Map<Operation, Route>([
  [VERIFY_USER_TOKEN, { right: null, find: ({ token }) => void (token.kind === "user" || refuse(401, 1000, "Invalid API Token")), run: verify }],
  [VERIFY_ACCOUNT_TOKEN, { right: null, find: ({ token }) => void (token.kind === "account" || refuse(401, 1000, "Invalid API Token")), run: verify }],
  [LIST_RECORDS, { right: "dns:read", find: () => {}, run: listRecords }],
  [GET_RECORD, { right: "dns:read", find: (call) => void record(call), run: record }],
  [PATCH_RECORD, { right: "dns:edit", find: checkRecordPatch, run: patchRecord }],
  [GET_POOL, { right: "pools:read", find: (call) => void pool(call), run: pool }],
  [PATCH_POOL, { right: "pools:edit", find: (call) => void pool(call), run: (call, dry) => (dry ? { ...pool(call), ...(call.body as z.infer<typeof poolPatch>) } : call.world.editPool(pool(call).id, call.body as z.infer<typeof poolPatch>)) }],
  [GET_LOAD_BALANCER, { right: "balancers:read", find: (call) => void balancer(call), run: balancer }],
  [PATCH_LOAD_BALANCER, { right: "balancers:edit", find: checkBalancerPatch, run: patchBalancer }],
]);

export type Matched = { readonly operation: Operation; readonly route: Route; readonly ids: readonly string[] };

/** @throws {Refused} where there is no such operation, or an id in the path is none. */
export function match(method: string, path: string, world: World): Matched {
  for (const operation of OPERATIONS) {
    const pattern = new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, "([^/]+)")}$`);
    const ids = operation.method === method ? pattern.exec(path)?.slice(1) : undefined;
    const route = ROUTES.get(operation);
    if (ids === undefined || route === undefined) continue;
    if (!ids.every((id) => /^[0-9a-f]{32}$/.test(id))) return refuse(400, 7003, `Could not route to ${path}, perhaps your object identifier is invalid?`);
    const [owner] = ids;
    if (owner !== undefined && owner !== (path.startsWith("/zones/") ? world.zoneId : world.accountId)) return refuse(403, 10000, "Authentication error");
    return { operation, route, ids: ids.slice(1) };
  }
  return refuse(400, 7000, "No route for that URI");
}

function verify({ token }: Call): unknown {
  return { id: token.id, status: token.status, ...(token.expiresOn === undefined ? {} : { expires_on: token.expiresOn }) };
}

function listRecords({ world, query }: Call): readonly StoredRecord[] {
  const { "name.exact": name, "comment.startswith": start, per_page } = query as z.infer<typeof recordQuery>;
  const matching = [...world.records.values()].filter((one) => (name === undefined || one.name === name.toLowerCase()) && (start === undefined || (one.comment ?? "").toLowerCase().startsWith(start.toLowerCase())));
  return matching.slice(0, Number(per_page ?? 100));
}

function record({ world, ids: [id = ""] }: Call): StoredRecord {
  return world.records.get(id) ?? refuse(404, 81044, "Record does not exist.");
}

function checkRecordPatch(call: Call): void {
  const { type, name, id, proxied } = record(call);
  const { content, ttl } = call.body as z.infer<typeof recordPatch>;
  if (type === "A" && content !== undefined && !isIPv4(content)) refuse(400, 9005, "Content for A record must be a valid IPv4 address.");
  if (type === "AAAA" && content !== undefined && !isIPv6(content)) refuse(400, 9006, "Content for AAAA record must be a valid IPv6 address.");
  if (type === "CNAME" && content?.toLowerCase() === name) refuse(400, 9039, "CNAME content cannot reference itself.");
  if (!proxied && ttl !== undefined && ttl !== AUTOMATIC_TTL && ttl < 60 && call.world.options.plan !== "enterprise") refuse(400, 9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.");
  const twin = [...call.world.records.values()].some((one) => one.id !== id && one.name === name && one.type === type && one.content === content);
  if (twin) refuse(400, 81058, "An identical record already exists.");
}

async function patchRecord(call: Call, dry: boolean): Promise<StoredRecord> {
  const { content, ...rest } = call.body as z.infer<typeof recordPatch>;
  const before = record(call);
  const changes = { ...rest, ...(content === undefined ? {} : { content: canonical(before.type, content) }) };
  return dry ? { ...before, ...changes } : call.world.editRecord(before.id, changes);
}

/** As the real one writes it back. */
function canonical(type: string, content: string): string {
  if (type === "AAAA") return new URL(`http://[${content}]/`).hostname.slice(1, -1);
  return type === "CNAME" ? content.toLowerCase().replace(/\.$/, "") : content;
}

function pool({ world, ids: [id = ""] }: Call) {
  return world.pools.get(id) ?? refuse(404, 1001, "resource not found");
}

function balancer({ world, ids: [id = ""] }: Call) {
  return world.loadBalancers.get(id) ?? refuse(404, 1001, "resource not found");
}

function checkBalancerPatch(call: Call): void {
  const { world, body } = call;
  const { default_pools = [] } = body as z.infer<typeof loadBalancerPatch>;
  balancer(call);
  const unknown = default_pools.find((id) => !world.pools.has(id));
  if (unknown !== undefined) refuse(400, 1002, `default_pools: pool ${unknown} could not be found: validation failed`);
}

async function patchBalancer(call: Call, dry: boolean) {
  const changes = call.body as z.infer<typeof loadBalancerPatch>;
  return dry ? { ...balancer(call), ...changes } : call.world.editLoadBalancer(balancer(call).id, changes);
}
