/**
 * One stable key per incident, so that receivers can tell a repetition from news.
 */
import type { Instant } from "./time.ts";

const MASK = (1n << 64n) - 1n;
const PRIME = 1_099_511_628_211n;
const OFFSET = 14_695_981_039_346_656_037n;

/**
 * hash(site, check, start) as 16 hexadecimal digits: FNV-1a of 64 bits over the UTF-16 code units,
 * with separators that no name holds. Not for secrets: it only has to be stable and rarely collide.
 *
 * @param check the check, or whatever the incident is about ("action:ID")
 * @param start when the incident began
 */
export function alertKey(site: string, check: string, start: Instant): string {
  let hash = OFFSET;
  for (const unit of units(`${site}\u0000${check}\u0000${Math.round(start)}`)) hash = ((hash ^ BigInt(unit)) * PRIME) & MASK;
  return hash.toString(16).padStart(16, "0");
}

function* units(text: string): Generator<number> {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    yield unit & 0xff;
    yield unit >> 8;
  }
}
