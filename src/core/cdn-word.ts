/**
 * What an answer's fields tell of the CDN it came through: whether it was served from the CDN's
 * cache, and whether it was stale. What they do not tell stays untold.
 *
 * The CDN's own field counts before the standard one, that before the common one, and `Age` last:
 * `CF-Cache-Status` (Cloudflare), `Cache-Status` (RFC 9211), `X-Cache` (Fastly, CloudFront, Akamai
 * and others), `Warning` (RFC 7234, 5.5, which nobody should send any more), `Age` (RFC 9111, 5.1).
 */

export type CdnField = "CF-Cache-Status" | "Cache-Status" | "X-Cache" | "Warning" | "Age";

export type CdnWord =
  /** Served from the CDN's cache. `stale` null: it does not tell whether the copy was still fresh. */
  | { readonly kind: "hit"; readonly stale: boolean | null; readonly by: CdnField }
  /** Fetched from the origin, though the CDN could have had it. */
  | { readonly kind: "miss"; readonly by: CdnField }
  /** By a rule never cached: neither a hit nor a miss. */
  | { readonly kind: "uncached"; readonly by: CdnField }
  | { readonly kind: "untold" };

/** Names of the facts of one look that metrics count: answers that were hits or misses, and the hits among them. */
export const CDN_FACTS = { requests: "cdn_requests", hits: "cdn_cache_hits" } as const;

/** `confirmed`: a copy was served, and its origin had just said that it is still good. */
type Verdict = "fresh" | "confirmed" | "stale" | "hit" | "miss" | "uncached";
type Told = { readonly verdict: Verdict; readonly by: CdnField };
type Fields = Readonly<Record<string, string>>;

/** The gateway's own name in Cache-Status. */
const OURS = "shopkeeper";
/** A longer field is not read. */
const MAX_FIELD = 4_096;

type Answer = {
  readonly status: number;
  /** By lower-case name; those that came twice joined by ", ". */
  readonly headers: Fields;
};

export function cdnWord(answer: Answer): CdnWord {
  const told = firstTold(answer);
  if (told === undefined) return { kind: "untold" };
  const { verdict, by } = told;
  switch (verdict) {
    case "fresh":
    case "confirmed":
    case "stale":
      return { kind: "hit", stale: verdict === "stale", by };
    case "hit":
      return { kind: "hit", stale: null, by };
    case "miss":
    case "uncached":
      return { kind: verdict, by };
  }
}

/**
 * The field by which an answer says that a cache which is not the gateway's gave it without its origin having a part in it,
 * so that it tells nothing of that origin; null: it does not say so.
 */
export function answeredByCache(answer: Answer): CdnField | null {
  const told = firstTold(answer);
  return told?.verdict === "fresh" || told?.verdict === "stale" || told?.verdict === "hit" ? told.by : null;
}

function firstTold({ status, headers }: Answer): Told | undefined {
  const members = membersOf(headers["cache-status"] ?? "");
  const read = (by: CdnField, verdict: Verdict | undefined): Told | undefined => (verdict === undefined ? undefined : { verdict, by });
  return (
    read("CF-Cache-Status", ofCloudflare(headers["cf-cache-status"] ?? "")) ??
    read("Cache-Status", ofCacheStatus(members.at(-1), status)) ??
    read("X-Cache", ofXCache(headers["x-cache"] ?? "")) ??
    read("Warning", ofWarning(headers["warning"] ?? "", members)) ??
    read("Age", ofAge(headers["age"] ?? "", members))
  );
}

/** An EXPIRED copy was fetched anew; a REVALIDATED one was served after a 304. */
const CLOUDFLARE: ReadonlyMap<string, Verdict> = new Map<string, Verdict>([
  ["HIT", "fresh"],
  ["REVALIDATED", "confirmed"],
  ["STALE", "stale"],
  ["UPDATING", "stale"],
  ["MISS", "miss"],
  ["EXPIRED", "miss"],
  ["BYPASS", "uncached"],
  ["DYNAMIC", "uncached"],
  ["NONE", "uncached"],
  ["NONE/UNKNOWN", "uncached"],
]);

function ofCloudflare(field: string): Verdict | undefined {
  return CLOUDFLARE.get(field.trim().toUpperCase());
}

type Member = { readonly name: string; readonly params: ReadonlyMap<string, string> };

/**
 * The members of a Cache-Status, the nearest to the origin first. Quoted texts may hold commas
 * and semicolons.
 */
function membersOf(field: string): readonly Member[] {
  if (field.length > MAX_FIELD) return [];
  return splitOutsideQuotes(field, ",").map((member) => {
    const [name = "", ...params] = splitOutsideQuotes(member, ";");
    return { name: name.replaceAll('"', ""), params: new Map(params.map(paramOf)) };
  });
}

/** Trimmed parts. One pass, since a pattern that minds quotes takes quadratic time where one is never closed; of such a text nothing is read. */
function splitOutsideQuotes(text: string, separator: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"') quoted = !quoted;
    else if (quoted && letter === "\\") at++;
    else if (!quoted && letter === separator) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return quoted ? [] : [...parts, text.slice(start).trim()];
}

/** A parameter without a value is true; "?0" is false and as good as absent. */
function paramOf(written: string): readonly [string, string] {
  const at = written.indexOf("=");
  return at < 0 ? [written, "?1"] : [written.slice(0, at), written.slice(at + 1)];
}

const NEVER_CACHED = ["bypass", "method", "request"];
const NOT_THERE = ["uri-miss", "vary-miss", "miss", "partial"];

/**
 * By the outermost member. What stands before ours is nearer to the origin than the gateway, and no CDN
 * in front of it; so where the outermost is ours, the CDN has not spoken.
 */
function ofCacheStatus(outermost: Member | undefined, status: number): Verdict | undefined {
  if (outermost === undefined || outermost.name === OURS) return undefined;
  const { params } = outermost;
  const ttl = /^-?\d+$/.test(params.get("ttl") ?? "") ? Number(params.get("ttl")) : null;
  const forwarded = params.get("fwd");
  const isHit = params.get("hit") === "?1";
  if (isHit && forwarded !== undefined) return undefined;
  if (isHit) return ttl === null ? "hit" : ttl < 0 ? "stale" : "fresh";
  if (forwarded === "stale") return ofStale(Number(params.get("fwd-status") ?? status), ttl, status);
  if (NEVER_CACHED.includes(forwarded ?? "")) return "uncached";
  return NOT_THERE.includes(forwarded ?? "") ? "miss" : undefined;
}

/** It had a stale copy and asked for a new one: the copy was confirmed, or served all the same, or replaced. */
function ofStale(originStatus: number, ttl: number | null, status: number): Verdict {
  if (originStatus === 304 && status !== 304) return "confirmed";
  if (originStatus >= 500 && status < 500) return "stale";
  return ttl !== null && ttl < 0 ? "stale" : "miss";
}

/**
 * First words of the members of X-Cache. A plain HIT does not say whether the copy was fresh (Fastly says
 * it of stale ones too); Akamai's and CloudFront's words for a confirmed or a stale copy do.
 */
const X_CACHE: ReadonlyMap<string, Verdict> = new Map<string, Verdict>([
  ["HIT", "hit"],
  ["ORIGINSHIELDHIT", "hit"],
  ["TCP_HIT", "fresh"],
  ["TCP_MEM_HIT", "fresh"],
  ["TCP_IMS_HIT", "fresh"],
  ["TCP_REMOTE_HIT", "fresh"],
  ["TCP_NEGATIVE_HIT", "fresh"],
  ["REFRESHHIT", "confirmed"],
  ["TCP_REFRESH_HIT", "confirmed"],
  ["TCP_EXPIRED_HIT", "fresh"],
  ["HITSTALE", "stale"],
  ["STALE", "stale"],
  ["UPDATING", "stale"],
  ["TCP_REFRESH_FAIL_HIT", "stale"],
  ["MISS", "miss"],
  ["EXPIRED", "miss"],
  ["TCP_MISS", "miss"],
  ["TCP_REFRESH_MISS", "miss"],
  ["TCP_EXPIRED_MISS", "miss"],
  ["PASS", "uncached"],
  ["BYPASS", "uncached"],
  ["DYNAMIC", "uncached"],
  ["NOTCACHEABLE", "uncached"],
  ["UNCACHEABLE", "uncached"],
  ["PRIVATE_NOSTORE", "uncached"],
  ["CONFIG_NOCACHE", "uncached"],
]);

/**
 * A CDN with a shield or a parent tier names both ("HIT, MISS"): whichever had it, the CDN served it. Where one
 * member is CloudFront's, the others are of caches behind it.
 */
function ofXCache(field: string): Verdict | undefined {
  if (field.length > MAX_FIELD) return undefined;
  const members = field.split(",").map((member) => member.trim());
  const cloudFront = members.filter((member) => /from cloudfront$/i.test(member));
  const verdicts = (cloudFront.length > 0 ? cloudFront : members).map((member) => X_CACHE.get(member.split(/\s/)[0]?.toUpperCase() ?? ""));
  return (["stale", "fresh", "hit", "confirmed", "miss", "uncached"] as const).find((one) => verdicts.includes(one));
}

/** 110: the answer is stale; 111: it is, since its origin could not be asked. */
function ofWarning(field: string, members: readonly Member[]): Verdict | undefined {
  if (field.length > MAX_FIELD || isOwnCopy(members)) return undefined;
  return splitOutsideQuotes(field, ",").some((one) => /^11[01](?:\s|$)/.test(one)) ? "stale" : undefined;
}

/** An age tells of a cache on the way; none, or zero, tells nothing. */
function ofAge(field: string, members: readonly Member[]): Verdict | undefined {
  return /^\d+$/.test(field.trim()) && Number(field) > 0 && !isOwnCopy(members) ? "hit" : undefined;
}

/** The gateway served a copy, so what is said of an age may be said of that. */
function isOwnCopy(members: readonly Member[]): boolean {
  return members.some(({ name, params }) => name === OURS && (params.has("hit") || params.has("ttl")));
}
