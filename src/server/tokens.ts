/**
 * Who is asking: bearer tokens, compared in constant time.
 */
import { createHash, timingSafeEqual } from "node:crypto";

export type TokenRole = "viewer" | "operator" | "approver";

export type Person = { readonly name: string; readonly role: TokenRole };

export type KnownToken = Person & { readonly digest: Buffer };

/** Keeps a token's digest only, so that no token stands in our memory longer than the configuration's own. */
export function knownToken(name: string, role: TokenRole, token: string): KnownToken {
  return { name, role, digest: sha256(token) };
}

/**
 * The person behind an Authorization header; null when there is none or it fits nobody.
 * Every known token is compared, so the time taken tells nothing about which.
 */
export function personOf(header: string | undefined, known: readonly KnownToken[]): Person | null {
  const token = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(header ?? "")?.[1];
  if (token === undefined) return null;
  const digest = sha256(token);
  let found: Person | null = null;
  for (const one of known) if (timingSafeEqual(one.digest, digest)) found = { name: one.name, role: one.role };
  return found;
}

/** May this person do what needs `role`? Anybody known may read; only an operator acts: approvers judge what others propose. */
export function may(person: Person, role: "viewer" | "operator"): boolean {
  return role === "viewer" || person.role === "operator";
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
