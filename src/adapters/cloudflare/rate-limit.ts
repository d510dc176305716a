/**
 * What Cloudflare says of its rate limit. Over it, everything is refused for five minutes: the whole user, with all
 * their tokens and the dashboard, or the one account-owned token.
 */
import type { Ms } from "../../core/time.ts";

/** Of one lock-out. What is asked for beyond it is not believed. */
export const MAX_LOCK_OUT_MS: Ms = 300_000;
/** Where a refusal does not say how long. Asking while locked out is not known to prolong it. */
export const UNTOLD_LOCK_OUT_MS: Ms = 15_000;

export type RateLimit = {
  /** Calls left in this window. */
  readonly remaining: number;
  readonly resetsInMs: Ms;
  /** Calls of a whole window; null: untold. */
  readonly quota: number | null;
};

type Headers = Readonly<Record<string, string>>;

/** Reads `Ratelimit: "default";r=50;t=30` and `Ratelimit-Policy: "default";q=1200;w=300`; of several limits the one with the fewest calls left. */
export function rateLimitOf(headers: Headers): RateLimit | null {
  const quotas = new Map(limits(headers["ratelimit-policy"]).map((one) => [one.name, one.values.get("q") ?? null]));
  const found = limits(headers["ratelimit"]).flatMap(({ name, values }): RateLimit[] => {
    const remaining = values.get("r");
    const reset = values.get("t");
    return remaining === undefined || reset === undefined ? [] : [{ remaining, resetsInMs: reset * 1_000, quota: quotas.get(name) ?? null }];
  });
  return found.toSorted((a, b) => a.remaining - b.remaining)[0] ?? null;
}

/** How long a 429 asks to be left alone: `Retry-After`, else the window's end where it is used up, else UNTOLD_LOCK_OUT_MS. At least 0, at most MAX_LOCK_OUT_MS. */
export function lockOutOf(headers: Headers): Ms {
  const told = headers["retry-after"]?.trim() ?? "";
  if (/^\d{1,9}$/.test(told)) return Math.min(Number(told) * 1_000, MAX_LOCK_OUT_MS);
  const limit = rateLimitOf(headers);
  return limit !== null && limit.remaining === 0 ? Math.min(limit.resetsInMs, MAX_LOCK_OUT_MS) : UNTOLD_LOCK_OUT_MS;
}

type Limit = { readonly name: string; readonly values: ReadonlyMap<string, number> };

/** At most ten items; whole numbers only. */
function limits(header: string | undefined): readonly Limit[] {
  return (header ?? "").split(",", 10).map((item) => {
    const [name = "", ...parameters] = item.trim().split(";", 10);
    const pairs = parameters.flatMap((parameter): [string, number][] => {
      const [, key, value] = /^\s*([a-z]+)\s*=\s*(\d{1,9})\s*$/.exec(parameter) ?? [];
      return key === undefined ? [] : [[key, Number(value)]];
    });
    return { name, values: new Map(pairs) };
  });
}
