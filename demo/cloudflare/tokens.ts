/** Tokens of the stand-in: what they may do, and how often. */
import type { TokenState } from "../../src/adapters/cloudflare/schemas.ts";

export type Right = "dns:read" | "dns:edit" | "balancers:read" | "balancers:edit" | "pools:read" | "pools:edit";

export type Token = {
  readonly value: string;
  readonly id: string;
  /** A user's tokens share one rate limit; an account's have one each. */
  readonly kind: "user" | "account";
  readonly status: TokenState["status"];
  readonly rights: readonly Right[];
  readonly expiresOn?: string;
};

/** Whoever may edit may read. */
export const may = ({ rights }: Token, right: Right): boolean => rights.includes(right) || rights.includes(right.replace(":read", ":edit") as Right);

export type Quota = { readonly calls: number; readonly windowMs: number; readonly lockOutMs: number };

/** 1,200 calls in five minutes, and over it nothing for five minutes. */
export const REAL_QUOTA: Quota = { calls: 1_200, windowMs: 300_000, lockOutMs: 300_000 };

type Window = { startedAt: number; used: number; lockedUntil: number };

export type Counted = { readonly headers: Readonly<Record<string, string>>; readonly retryAfterSeconds: number | null };

/** Counts calls as the real limit does. */
export class RateLimits {
  readonly #quota: Quota;
  readonly #now: () => number;
  readonly #windows = new Map<string, Window>();

  constructor(quota: Quota, now: () => number) {
    this.#quota = quota;
    this.#now = now;
  }

  /** One more call; `retryAfterSeconds` is set where it is over the limit. */
  count(token: Token): Counted {
    const { calls, windowMs, lockOutMs } = this.#quota;
    const now = this.#now();
    const window = this.#window(token, now);
    if (now < window.lockedUntil) return this.#told(window, now, window.lockedUntil - now);
    if (now >= window.startedAt + windowMs) Object.assign(window, { startedAt: now, used: 0 });
    if (window.used >= calls) {
      window.lockedUntil = now + lockOutMs;
      return this.#told(window, now, lockOutMs);
    }
    window.used += 1;
    return this.#told(window, now, null);
  }

  /** Nothing of this token's owner is answered for so long. */
  lockOut(token: Token, ms: number): void {
    const now = this.#now();
    this.#window(token, now).lockedUntil = now + ms;
  }

  #window(token: Token, now: number): Window {
    const owner = token.kind === "user" ? "user" : token.id;
    const window = this.#windows.get(owner) ?? { startedAt: now, used: 0, lockedUntil: 0 };
    this.#windows.set(owner, window);
    return window;
  }

  #told(window: Window, now: number, lockedMs: number | null): Counted {
    const { calls, windowMs } = this.#quota;
    const seconds = (ms: number): number => Math.max(0, Math.ceil(ms / 1_000));
    const remaining = lockedMs === null ? calls - window.used : 0;
    const resets = seconds(lockedMs ?? window.startedAt + windowMs - now);
    const headers = { ratelimit: `"default";r=${remaining};t=${resets}`, "ratelimit-policy": `"default";q=${calls};w=${seconds(windowMs)}` };
    return lockedMs === null ? { headers, retryAfterSeconds: null } : { headers: { ...headers, "retry-after": String(seconds(lockedMs)) }, retryAfterSeconds: seconds(lockedMs) };
  }
}
