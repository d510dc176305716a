/**
 * Signatures of what regions and witnesses say to each other: HMAC-SHA256 (RFC 2104) over the very bytes, keyed by the shared secret.
 *
 * A question and an answer are signed as such, so that neither can be played back as the other. That an answer is new its nonce says;
 * a question that is played back is answered once more, and the answer is of no use to whoever did so.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../config/secret.ts";

export const SIGNATURE_HEADER = "x-shopkeeper-signature";

export type Signer = {
  /** Value of the header. */
  sign(kind: "question" | "answer", body: string): string;
  /** In constant time. */
  isOurs(kind: "question" | "answer", body: string, signature: string | undefined): boolean;
};

export function regionSigner(site: string, secret: Secret): Signer {
  const digest = (kind: string, body: string): Buffer => createHmac("sha256", secret.reveal()).update(`shopkeeper region ${kind} 1\n${site}\n`).update(body).digest();
  return {
    sign: (kind, body) => `sha256=${digest(kind, body).toString("hex")}`,
    isOurs: (kind, body, signature) => {
      const found = /^sha256=([0-9a-f]{64})$/.exec(signature ?? "")?.[1];
      return found !== undefined && timingSafeEqual(Buffer.from(found, "hex"), digest(kind, body));
    },
  };
}
