/** AWS Signature Version 4, as the receiver checks it. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

export type Signed = { readonly method: string; readonly url: URL; readonly headers: IncomingHttpHeaders; readonly body: string };
export type Key = { readonly id: string; readonly secret: string };

const HEADER = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/route53\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;
/** More than this between the two clocks is refused. */
const MAX_SKEW_MS = 300_000;

/** @returns the code and the words of Route 53's refusal; null: it is rightly signed. */
export function whyNotSigned(request: Signed, key: Key, now: number): { readonly code: string; readonly message: string } | null {
  const found = HEADER.exec(request.headers.authorization ?? "");
  if (found === null) return { code: "MissingAuthenticationToken", message: "Missing Authentication Token" };
  const [, id = "", day = "", region = "", names = "", given = ""] = found;
  if (id !== key.id) return { code: "InvalidClientTokenId", message: "The security token included in the request is invalid." };
  const date = String(request.headers["x-amz-date"]);
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!(Math.abs(at - now) <= MAX_SKEW_MS)) return { code: "SignatureDoesNotMatch", message: `Signature expired: ${date} is now earlier than ${new Date(now - MAX_SKEW_MS).toISOString()}` };
  const canonical = canonicalRequest(request, names);
  const scope = `${day}/${region}/route53/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
  const signing = ["route53", "aws4_request"].reduce(hmac, hmac(hmac(Buffer.from(`AWS4${key.secret}`), day), region));
  if (timingSafeEqual(Buffer.from(hmac(signing, toSign).toString("hex")), Buffer.from(given))) return null;
  return { code: "SignatureDoesNotMatch", message: `The request signature we calculated does not match the signature you provided. The Canonical String for this request should have been\n'${canonical}'` };
}

function canonicalRequest({ method, url, headers, body }: Signed, names: string): string {
  const query = [...url.searchParams].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).toSorted().join("&");
  const lines = names.split(";").map((name) => `${name}:${String(headers[name] ?? "").trim()}\n`);
  return [method, url.pathname, query, lines.join(""), names, sha256(body)].join("\n");
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
