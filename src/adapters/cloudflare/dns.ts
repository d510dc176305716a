/**
 * DNS records at Cloudflare: A, AAAA and CNAME, whose content leads to a region and whose comment bears our mark.
 *
 * Looking costs one call for each name, however many records it has. The rate limit is four calls a second for the whole
 * user: whoever looks at eight names each second is locked out.
 */
import * as z from "zod";
import type { RecordConfig } from "../../config/regions-config.ts";
import { parseMark } from "../../core/region/mark.ts";
import { shortened } from "../../core/shortened.ts";
import type { Clock } from "../../ports/clock.ts";
import { TrafficError } from "../../ports/traffic.ts";
import type { CloudflareClient } from "./client.ts";
import type { Ask, Change, Place } from "./place.ts";
import { AUTOMATIC_TTL, GET_RECORD, LIST_RECORDS, on, PATCH_RECORD, type DnsRecord } from "./schemas.ts";
import { CloudflareTraffic } from "./traffic.ts";

/** What "automatic" is, in seconds. */
const AUTOMATIC_TTL_SECONDS = 300;
/** Records of one name that are looked through. */
const MOST_OF_A_NAME = "100";

/** As configured: its `values` are by region, each region's its own. */
export type CloudflareRecord = RecordConfig;

export type CloudflareDnsConfig = {
  readonly site: string;
  readonly zoneId: string;
  /** At most MAX_ENTRIES. */
  readonly records: readonly CloudflareRecord[];
  /** A record that no visitor resolves, to prove rights and to rehearse on. */
  readonly shadow: CloudflareRecord | null;
  /** Of an account-owned token. */
  readonly accountId: string | null;
};

const recordFacts = z.strictObject({ modifiedOn: z.string(), comment: z.string(), id: z.string(), content: z.string(), proxied: z.boolean(), ttl: z.number() });
type RecordFacts = Readonly<z.infer<typeof recordFacts>>;

/** @param client of a token with the right "DNS: Edit" on the zone. */
export function createCloudflareDns(config: CloudflareDnsConfig, client: CloudflareClient, clock: Clock): CloudflareTraffic<RecordFacts> {
  const { site, zoneId, records, shadow, accountId } = config;
  const places = records.map((record) => new RecordPlace(zoneId, record));
  return new CloudflareTraffic({
    kind: "cloudflare_dns", site, places, shadow: shadow === null ? null : new RecordPlace(zoneId, shadow), accountId, client, clock,
    survey: (ask) => strangeMarks(config, ask),
  });
}

export const entryName = ({ name, type }: Pick<CloudflareRecord, "name" | "type">): string => `${name} ${type}`;

class RecordPlace implements Place<RecordFacts> {
  readonly name: string;
  readonly facts = recordFacts;
  readonly regions: readonly string[];
  readonly looks: Place<RecordFacts>["looks"];
  readonly #zoneId: string;
  readonly #record: CloudflareRecord;
  readonly #list: ReturnType<typeof on<typeof LIST_RECORDS.result>>;

  constructor(zoneId: string, record: CloudflareRecord) {
    this.name = entryName(record);
    this.regions = Object.keys(record.values);
    this.#zoneId = zoneId;
    this.#record = record;
    this.#list = on(LIST_RECORDS, [zoneId], { "name.exact": record.name, per_page: MOST_OF_A_NAME });
    this.looks = [this.#list];
  }

  async look(ask: Ask): Promise<RecordFacts> {
    const found = (await ask(this.#list)).filter(({ type, name }) => type === this.#record.type && name.toLowerCase() === this.#record.name.toLowerCase());
    const [one, another] = found;
    if (one === undefined) throw new TrafficError("NOT_FOUND", `the zone has no record ${this.name}`);
    if (another !== undefined) throw new TrafficError("INVALID", `the zone has ${found.length} records ${this.name}, and a change would move one of them alone; leave one`);
    return this.#factsOf(one);
  }

  async lookAgain(ask: Ask, { id }: RecordFacts): Promise<RecordFacts> {
    return this.#factsOf(await ask(on(GET_RECORD, [this.#zoneId, id])));
  }

  againTargets({ id }: RecordFacts): Place<RecordFacts>["looks"] {
    return [on(GET_RECORD, [this.#zoneId, id])];
  }

  leadsTo({ content }: RecordFacts): string | null {
    return this.regions.find((region) => normal(this.#record.type, this.#record.values[region] ?? "") === content) ?? null;
  }

  show({ content, proxied, ttl }: RecordFacts): { readonly value: string; readonly staleForMs: number } {
    const seconds = ttl === AUTOMATIC_TTL ? AUTOMATIC_TTL_SECONDS : ttl;
    return proxied ? { value: `${content}, proxied`, staleForMs: 0 } : { value: `${content}, TTL ${seconds} s`, staleForMs: seconds * 1_000 };
  }

  drift({ proxied, ttl }: RecordFacts): readonly string[] {
    const wanted = this.#record;
    if (proxied !== wanted.proxied) return [wanted.proxied ? "configured as proxied" : "configured as not proxied"];
    return proxied || ttl === wanted.ttl ? [] : [`configured with TTL ${wanted.ttl} s`];
  }

  change(before: RecordFacts, region: string | null, comment: string): Change<RecordFacts> {
    const target = on(PATCH_RECORD, [this.#zoneId, before.id]);
    if (region === null) return { target, body: { comment }, after: { ...before, comment } };
    const content = this.#record.values[region] ?? "";
    return { target, body: { content, comment }, after: { ...before, comment, content: normal(this.#record.type, content) } };
  }

  idle({ id, ttl }: RecordFacts): Pick<Change<RecordFacts>, "target" | "body"> {
    return { target: on(PATCH_RECORD, [this.#zoneId, id]), body: { ttl } };
  }

  #factsOf({ id, content, comment, proxied, ttl, modified_on }: DnsRecord): RecordFacts {
    return { modifiedOn: modified_on, comment: comment ?? "", id, content: normal(this.#record.type, content), proxied, ttl };
  }
}

/** One writing of contents that are the same: Cloudflare shortens addresses, and names have no case and no final dot. */
function normal(type: CloudflareRecord["type"], content: string): string {
  if (type === "CNAME") return content.toLowerCase().replace(/\.$/, "");
  return type === "AAAA" ? (URL.parse(`http://[${content}]/`)?.hostname.slice(1, -1) ?? content) : content;
}

/** Records of the zone that bear a mark and are none of the configured ones: forgotten, or another site's. */
async function strangeMarks({ site, zoneId, records, shadow }: CloudflareDnsConfig, ask: Ask): Promise<readonly string[]> {
  const configured = new Set([...records, ...(shadow === null ? [] : [shadow])].map((record) => entryName(record).toLowerCase()));
  const marked = await ask(on(LIST_RECORDS, [zoneId], { "comment.startswith": "shopkeeper site=", per_page: "100" }));
  return marked.slice(0, 10).flatMap((record) => {
    const mark = parseMark(record.comment ?? "");
    const name = shortened(`${record.name} ${record.type}`, 100);
    if (mark === null || (mark.site === site && configured.has(`${record.name} ${record.type}`.toLowerCase()))) return [];
    return [mark.site === site ? `${name} bears a mark of ${site} and is not configured` : `${name} is marked as site ${mark.site}'s`];
  });
}
