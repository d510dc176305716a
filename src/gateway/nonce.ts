/**
 * Nonces for Content-Security-Policy, drawn from a pool: asking the system for
 * randomness on every request costs more than writing the page.
 */
import { randomFillSync } from "node:crypto";

/** Bytes drawn from the system at a time. */
const BLOCK = 16_384;

export interface NonceSource {
  /** A fresh nonce of exactly this many characters: hex from 32 on (128 bits), else base64url (RFC 4648 §5), so that short ones lose less. */
  next(length: number): string;
}

/** Fewest characters a page's nonce must have to be replaced by one as strong: 22 of base64url are 132 bits. */
export const MIN_NONCE = 16;

/**
 * @param fill writes unguessable bytes into the buffer; the system's by default.
 */
export function createNonces(fill: (block: Buffer) => void = (block) => void randomFillSync(block)): NonceSource {
  const block = Buffer.alloc(BLOCK);
  const pool = { hex: "", hexAt: 0, text: "", textAt: 0 };

  return {
    next(length) {
      if (length >= 32) {
        if (pool.hexAt + length > pool.hex.length) {
          pool.hex = draw(block, fill, "hex", length);
          pool.hexAt = 0;
        }
        pool.hexAt += length;
        return pool.hex.slice(pool.hexAt - length, pool.hexAt);
      }
      if (pool.textAt + length > pool.text.length) {
        pool.text = draw(block, fill, "base64url", length);
        pool.textAt = 0;
      }
      pool.textAt += length;
      return pool.text.slice(pool.textAt - length, pool.textAt);
    },
  };
}

function draw(block: Buffer, fill: (block: Buffer) => void, encoding: "hex" | "base64url", atLeast: number): string {
  let text = "";
  while (text.length < atLeast) {
    fill(block);
    text += block.toString(encoding);
  }
  return text;
}

const IN_POLICY = /'nonce-([A-Za-z0-9+/_=-]+)'/g;

/** The one nonce of a policy; null where it has none; "" (which no nonce can be) where it has several. */
export function policyNonce(policy: string): string | null {
  const found = new Set([...policy.matchAll(IN_POLICY)].map((match) => match[1] ?? ""));
  if (found.size > 1) return "";
  const [nonce] = found;
  return nonce ?? null;
}
