/** What `shopkeeper.yaml` says of regions: which there are, who watches them, and how buyers are led from one to another. */
import { isIP } from "node:net";
import * as z from "zod";
import { MAX_MARKED_NAME } from "../core/region/mark.ts";
import { DEFAULT_REGION_RULES, MAX_REGIONS, MAX_WITNESSES } from "../core/region/region.ts";
import { formatDuration } from "../core/time.ts";
import { MAX_ENTRIES } from "../ports/traffic.ts";
import { duration, httpUrl, secret, text, urlPath } from "./values.ts";

const RULES = DEFAULT_REGION_RULES;
const shown = formatDuration;

/** Names stand in the mark beside a record, which is short. */
export function regionName() {
  return text(`a name of lower-case letters, digits, "_" or "-", starting with a letter, of at most ${MAX_MARKED_NAME} characters`, (written, wrong) =>
    new RegExp(`^[a-z][a-z0-9_-]{0,${MAX_MARKED_NAME - 1}}$`).test(written) ? written : wrong(`${JSON.stringify(written)} is not a name of a region`),
  ).meta({ description: `Lower-case letters, digits, _ and -; starts with a letter; at most ${MAX_MARKED_NAME} characters.` });
}

/** A map by region, or by witness. */
export function byRegion<T extends z.ZodType>(entry: T) {
  return z.record(z.string().regex(new RegExp(`^[a-z][a-z0-9_-]{0,${MAX_MARKED_NAME - 1}}$`), { error: `expected a name of lower-case letters, digits, "_" or "-", starting with a letter, of at most ${MAX_MARKED_NAME} characters` }), entry);
}

const hostName = text('a host name, for example "shop.example.com"', (written, wrong) =>
  /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(written) && isIP(written) === 0 ? written : wrong(`${JSON.stringify(written)} is no host name in lower case`),
);

export const regionSchema = z.strictObject({
  origin: httpUrl().describe("Public URL of this region alone, which leads to it whatever the shop's name does: here the others look."),
  daemon: httpUrl().describe("Where the public listener of its Shopkeeper answers the others."),
  floor: z.int().min(1).max(10_000).prefault(1).describe("Instances that must be ready before buyers are led here."),
});

export const witnessSchema = z.strictObject({ daemon: httpUrl().describe("Where its public listener answers.") });

const contents = byRegion(z.string().min(1)).describe("By region: the address or name that leads there.");

const cloudflareRecord = z.strictObject({
  name: hostName.describe("Whole name of the record."),
  type: z.enum(["A", "AAAA", "CNAME"]).describe("A and AAAA of one name are two records."),
  proxied: z.boolean().prefault(true).describe("Visitors keep Cloudflare's addresses, so nobody waits for a TTL."),
  ttl: z.int().min(30).max(86_400).optional().describe("Seconds, of a record that is not proxied; default 60. Below 60 only Cloudflare's Enterprise zones take."),
  to: contents,
});

const route53Record = z.strictObject({
  name: hostName.describe("Whole name of the record."),
  type: z.enum(["A", "AAAA", "CNAME"]).describe("A and AAAA of one name are two records."),
  ttl: z.int().min(1).max(86_400).prefault(60).describe("Seconds that resolvers may go on with the old answer."),
  to: contents,
});

const records = <T extends z.ZodType>(record: T) => z.array(record).min(1).max(MAX_ENTRIES).describe(`The shop's own names; at most ${MAX_ENTRIES}, changed one by one.`);
const api = (fallback: string) => httpUrl().prefault(fallback).describe("Base URL of the API, where it is reached through something else.");
const hexId = (what: string) => z.string({ error: `expected ${what}, 32 hexadecimal digits` }).regex(/^[0-9a-f]{32}$/);

export const cloudflareSchema = z.strictObject({
  zone: hexId("the zone's id").describe("Id of the zone, from its overview page."),
  account: hexId("the account's id").optional().describe("Id of the account, where the token is the account's own (advised: a user's limit is shared with all else of that user)."),
  token: secret().describe("API token with the right DNS: Edit on the zone, by reference."),
  enterprise: z.boolean().prefault(false).describe("The zone's plan is Enterprise, which takes a TTL of 30 s."),
  records: records(cloudflareRecord),
  shadow: cloudflareRecord.optional().describe("A record that no visitor resolves: rights are proven and failovers rehearsed on it."),
  api: api("https://api.cloudflare.com/client/v4"),
});

const balancer = z.strictObject({
  name: hostName.describe("Its host name."),
  id: hexId("the load balancer's id").describe("Id of the load balancer."),
  by: z.union([z.literal("order"), z.strictObject({ flag: regionName().describe("Region whose pool is enabled and disabled; it stands first.") })], { error: 'expected "order", or { flag: REGION }' }).prefault("order").describe("order: puts the region's pool first. flag: enables and disables one pool."),
  pools: byRegion(hexId("a pool's id")).describe("By region: the pool that leads there."),
});

export const poolsSchema = z.strictObject({
  zone: hexId("the zone's id").describe("Id of the zone."),
  account: hexId("the account's id").describe("Id of the account that has the pools."),
  token: secret().describe("API token with the rights Load Balancers: Edit on the zone and Monitors And Pools on the account, by reference."),
  load_balancers: z.array(balancer).min(1).max(MAX_ENTRIES).describe("Load balancers of the shop's names."),
  shadow: balancer.optional().describe("One that no visitor uses: rights are proven and failovers rehearsed on it."),
  api: api("https://api.cloudflare.com/client/v4"),
});

export const route53Schema = z.strictObject({
  zone: z.string({ error: 'expected the hosted zone\'s id, for example "Z0123456789ABC"' }).regex(/^Z[A-Z0-9]{1,31}$/).describe("Id of the hosted zone."),
  access_key_id: secret().optional().describe("By reference; absent: what the AWS SDK finds (role of the pod, environment)."),
  secret_access_key: secret().optional().describe("By reference; beside access_key_id."),
  records: records(route53Record),
  shadow: route53Record.optional().describe("A record that no visitor resolves: rights are proven and failovers rehearsed on it."),
  api: httpUrl().optional().describe("Base URL of the API, where it is not Amazon's own."),
});

/** The site's `failover:`. */
export const failoverSchema = z.strictObject({
  secret: secret().describe("Shared by all regions and witnesses, by reference: their words to each other are signed with it. At least 32 characters, best 32 random bytes in hexadecimal."),
  quorum: z.int().min(2).max(MAX_REGIONS + MAX_WITNESSES).prefault(RULES.quorum).describe("Observers that must see a region down from outside before buyers are led away; never fewer than 2."),
  page: urlPath().prefault("/").describe("Asked of each region's origin."),
  expect: z.int().min(200).max(499).prefault(200).describe("Status that this page answers with."),
  look_every: duration({ min: 200, max: 60_000 }).prefault(shown(RULES.lookEvery)).describe("Between two looks at a region."),
  look_deadline: duration({ min: 50, max: 30_000 }).prefault(shown(RULES.lookDeadline)).describe("Time that one may take; below look_every."),
  fall: z.int().min(1).max(100).prefault(RULES.fall).describe("Failed looks in a row that make a region down."),
  rise: z.int().min(1).max(100).prefault(RULES.rise).describe("Answered looks in a row that make it up again."),
  copies_for: duration({ min: 1_000 }).prefault(shown(RULES.copiesFor)).describe("A region that answers with stored copies alone for this long is left: copies cannot sell."),
  disagree_for: duration({ min: 1_000 }).prefault(shown(RULES.disagreeFor)).describe("A region that calls itself well while the others see it down is believed for this long before a person is called."),
  yield_for: duration({ min: 1_000, max: 60_000 }).prefault(shown(RULES.yieldFor)).describe("A more preferred region that says nothing has this long to take over itself."),
  between: duration({ min: 60_000 }).prefault(shown(RULES.block)).describe("Least time between two failovers; a person may lift it."),
  failback: z.union([z.literal("manual"), duration({ min: 60_000 })], { error: 'expected a duration, or "manual"' }).prefault(shown(RULES.failbackAfter ?? 900_000)).describe("A preferred region that was well for this long gets its buyers back; manual: a person leads them."),
  try_for: duration({ min: 1_000, max: 60_000 }).prefault(shown(RULES.tryFor)).describe("The provider is tried again within this time; then a person is called."),
  cloudflare: cloudflareSchema.optional().describe("The shop's names are DNS records at Cloudflare."),
  cloudflare_pools: poolsSchema.optional().describe("The shop's names are load balancers at Cloudflare: they are steered, and no record is changed."),
  route53: route53Schema.optional().describe("The shop's names are records at Amazon Route 53."),
});

export type FailoverInput = z.output<typeof failoverSchema>;
