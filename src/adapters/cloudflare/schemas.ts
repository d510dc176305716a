/**
 * The operations of Cloudflare's API v4 that we use, each described once: the client holds answers against these, the
 * stand-in requests and its own answers. Only what we read or write is named; whatever else an answer carries stays.
 */
import * as z from "zod";

export const API_URL = "https://api.cloudflare.com/client/v4";

/** Of a record's comment on a free zone, in characters. No line breaks. */
export const MAX_COMMENT = 100;
/** The TTL that stands for "automatic". A proxied record has no other. */
export const AUTOMATIC_TTL = 1;

const id = z.string().min(1).max(32);

const message = z.looseObject({
  code: z.int(),
  message: z.string(),
  error_chain: z.array(z.looseObject({ code: z.int().optional(), message: z.string().optional() })).optional(),
});

/** Around every answer. Those with status 429 were seen without `messages` and `result`. */
export const envelope = z.looseObject({
  success: z.boolean(),
  errors: z.array(message).nullish(),
  messages: z.array(z.unknown()).nullish(),
  result: z.unknown().optional(),
});
export type Envelope = z.infer<typeof envelope>;

export const record = z.looseObject({
  id,
  type: z.string().min(1),
  name: z.string().min(1).max(255),
  content: z.string(),
  proxied: z.boolean(),
  ttl: z.number(),
  comment: z.string().nullish(),
  modified_on: z.string().min(1),
});
export type DnsRecord = z.infer<typeof record>;

const ttl = z.union([z.literal(AUTOMATIC_TTL), z.int().min(30).max(86_400)]);

const somethingGiven = (body: object): boolean => Object.keys(body).length > 0;

/** What we may change of a record; what is left out keeps its value. */
export const recordPatch = z
  .strictObject({
    content: z.exactOptional(z.string().min(1).max(255)),
    comment: z.exactOptional(z.string().max(MAX_COMMENT).regex(/^[^\r\n]*$/, "no line breaks")),
    ttl: z.exactOptional(ttl),
  })
  .refine(somethingGiven, "nothing to change");

export const tokenState = z.looseObject({
  id,
  status: z.enum(["active", "disabled", "expired"]),
  expires_on: z.string().nullish(),
  not_before: z.string().nullish(),
});
export type TokenState = z.infer<typeof tokenState>;

const origin = z.looseObject({ name: z.string().optional(), address: z.string().optional(), enabled: z.boolean().optional() });

export const pool = z.looseObject({
  id: z.string().min(1),
  name: z.string(),
  description: z.string().nullish(),
  enabled: z.boolean().default(true),
  minimum_origins: z.number().default(1),
  modified_on: z.string().default(""),
  origins: z.array(origin).default([]),
});
export type Pool = z.infer<typeof pool>;

const description = z.exactOptional(z.string().max(1_000));

/** What we may change of a pool. */
export const poolPatch = z
  .strictObject({ description, enabled: z.exactOptional(z.boolean()), minimum_origins: z.exactOptional(z.int().min(0)) })
  .refine(somethingGiven, "nothing to change");

const poolsByPlace = z.record(z.string(), z.array(z.string())).nullish();

export const loadBalancer = z.looseObject({
  id: z.string().min(1),
  name: z.string().min(1),
  description: z.string().nullish(),
  enabled: z.boolean().default(true),
  default_pools: z.array(z.string()),
  fallback_pool: z.string().nullish(),
  steering_policy: z.string().default(""),
  region_pools: poolsByPlace,
  country_pools: poolsByPlace,
  pop_pools: poolsByPlace,
  proxied: z.boolean().default(false),
  ttl: z.number().nullish(),
  session_affinity: z.string().nullish(),
  modified_on: z.string().default(""),
});
export type LoadBalancer = z.infer<typeof loadBalancer>;

/** What we may change of a load balancer. */
export const loadBalancerPatch = z
  .strictObject({ description, default_pools: z.exactOptional(z.array(z.string().min(1)).min(1)), proxied: z.exactOptional(z.boolean()) })
  .refine(somethingGiven, "nothing to change");

/** `path` names its parameters in braces, as the provider's own description does. */
export type Operation<Result extends z.ZodType = z.ZodType> = {
  readonly method: "GET" | "PATCH";
  readonly path: string;
  readonly query: z.ZodObject | null;
  readonly body: z.ZodType | null;
  readonly result: Result;
};

const read = <Result extends z.ZodType>(path: string, result: Result, query: z.ZodObject | null = null) => ({ method: "GET" as const, path, query, body: null, result });
const patch = <Result extends z.ZodType, Body extends z.ZodType>(path: string, body: Body, result: Result) => ({ method: "PATCH" as const, path, query: null, body, result });

/** Filters of a listing; a record has to match each that is given. */
export const recordQuery = z.strictObject({
  "name.exact": z.string().min(1).max(255).optional(),
  "comment.startswith": z.string().min(1).optional(),
  per_page: z.string().regex(/^[1-9]\d{0,3}$/).optional(),
});

export const LIST_RECORDS = read("/zones/{zone_id}/dns_records", z.array(record), recordQuery);
export const GET_RECORD = read("/zones/{zone_id}/dns_records/{dns_record_id}", record);
export const PATCH_RECORD = patch("/zones/{zone_id}/dns_records/{dns_record_id}", recordPatch, record);
export const VERIFY_USER_TOKEN = read("/user/tokens/verify", tokenState);
export const VERIFY_ACCOUNT_TOKEN = read("/accounts/{account_id}/tokens/verify", tokenState);
export const GET_POOL = read("/accounts/{account_id}/load_balancers/pools/{pool_id}", pool);
export const PATCH_POOL = patch("/accounts/{account_id}/load_balancers/pools/{pool_id}", poolPatch, pool);
export const GET_LOAD_BALANCER = read("/zones/{zone_id}/load_balancers/{load_balancer_id}", loadBalancer);
export const PATCH_LOAD_BALANCER = patch("/zones/{zone_id}/load_balancers/{load_balancer_id}", loadBalancerPatch, loadBalancer);

export const OPERATIONS = [LIST_RECORDS, GET_RECORD, PATCH_RECORD, VERIFY_USER_TOKEN, VERIFY_ACCOUNT_TOKEN, GET_POOL, PATCH_POOL, GET_LOAD_BALANCER, PATCH_LOAD_BALANCER] as const;

/** An operation on one thing: its path filled in, with the query. */
export type Target<Result extends z.ZodType = z.ZodType> = { readonly operation: Operation<Result>; readonly path: string };

/** Fills in a path's parameters, in their order. */
export function on<Result extends z.ZodType>(operation: Operation<Result>, parameters: readonly string[], query: Readonly<Record<string, string>> = {}): Target<Result> {
  let next = 0;
  const path = operation.path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(parameters[next++] ?? ""));
  const search = new URLSearchParams(query).toString();
  return { operation, path: search === "" ? path : `${path}?${search}` };
}
