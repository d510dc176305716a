/** What an error of the SDK, of the network or of Route 53 means for the caller. */
import { shortened } from "../../core/shortened.ts";
import { TrafficError, type TrafficErrorCode } from "../../ports/traffic.ts";
import type { Ms } from "../../core/time.ts";

const MAX_MESSAGE = 400;
/** Route 53 never says how long. Its budget is refilled by ten requests a second. */
const RATE_PAUSE_MS: Ms = 1_000;

const RATE_LIMITED = new Set(["Throttling", "ThrottlingException", "PriorRequestNotComplete", "TooManyRequestsException", "RequestLimitExceeded"]);
/** Answered so where the two clocks differ too much; the SDK then knows by how much, and the next try is right. */
const SKEWED = new Set(["SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture", "InvalidSignatureException"]);
const UNAUTHORIZED = new Set([
  ...SKEWED,
  "AccessDenied",
  "AccessDeniedException",
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "IncompleteSignature",
  "InvalidClientTokenId",
  "MissingAuthenticationToken",
  "OptInRequired",
  "UnrecognizedClientException",
]);
/** Their words repeat what was signed. */
const KEEP_QUIET = new Set([...SKEWED, "IncompleteSignature"]);
/** The request has not left this machine. */
const NOT_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT"]);

/** Still a TrafficError to everybody else. */
export class CallError extends TrafficError {
  /** It may have been carried out all the same. */
  readonly maybeDone: boolean;
  /** "Throttling"; "" where there was none. */
  readonly said: string;
  constructor(code: TrafficErrorCode, message: string, { maybeDone = false, said = "" }: { readonly maybeDone?: boolean; readonly said?: string } = {}) {
    super(code, shortened(message, MAX_MESSAGE - 1), { retryAfterMs: code === "RATE_LIMITED" ? RATE_PAUSE_MS : 0 });
    this.maybeDone = maybeDone;
    this.said = said;
  }

  /** The same call can be right the next moment, and was not carried out. */
  get passing(): boolean {
    return this.code === "RATE_LIMITED" || SKEWED.has(this.said);
  }
}

/** Route 53 looked at the batch, and would have none of it. */
export const refusedBatch = (error: unknown): boolean => error instanceof CallError && error.said === "InvalidChangeBatch";

/**
 * In our words. The SDK's error is not kept as a cause: it holds the request, and with it a session's token.
 *
 * @param what begins the message: "read shop.example.com A".
 */
export function callError(what: string, error: unknown): CallError {
  if (error instanceof CallError) return error;
  const { name, status, code, words } = partsOf(error);
  if (name === "CredentialsProviderError") return new CallError("UNAUTHORIZED", `${what}: no credentials were found: ${words}`, { said: name });
  if (status === null || (status >= 200 && status < 400)) return new CallError("UNAVAILABLE", `${what}: ${words}`, { maybeDone: !NOT_SENT.has(code) });
  const told = KEEP_QUIET.has(name) ? `the key, or this machine's clock, is not accepted (${name})` : name === "" ? `HTTP ${status}, without a code${words === "" ? "" : `: ${words}`}` : `${name}: ${words}`;
  return new CallError(codeOf(name, status), `${what}: ${told}`, { maybeDone: status >= 500 && !RATE_LIMITED.has(name), said: name });
}

function codeOf(name: string, status: number): TrafficErrorCode {
  if (RATE_LIMITED.has(name) || status === 429) return "RATE_LIMITED";
  if (UNAUTHORIZED.has(name) || status === 401 || status === 403) return "UNAUTHORIZED";
  if (status === 404) return "NOT_FOUND";
  return status < 500 ? "INVALID" : "UNAVAILABLE";
}

type Parts = { readonly name: string; readonly status: number | null; readonly code: string; readonly words: string };

function partsOf(error: unknown): Parts {
  if (!(error instanceof Error)) return { name: "", status: null, code: "", words: String(error) };
  const { $metadata, code, Messages, messages } = error as Error & { $metadata?: { httpStatusCode?: number }; code?: unknown; Messages?: { Message?: string | string[] }; messages?: string[] };
  const status = $metadata?.httpStatusCode ?? null;
  // A refused batch comes with a code, or as an element of its own, which the SDK does not know.
  const listed = [Messages?.Message ?? []].flat();
  const name = listed.length > 0 ? "InvalidChangeBatch" : status === null && error.name !== "CredentialsProviderError" ? "" : error.name === "Unknown" || error.name === "Error" ? "" : error.name;
  const all = [...listed, ...(messages ?? [])];
  // The SDK's own hint to developers comes after the line's end.
  const words = all.length > 0 ? all.join("; ") : error.message === "UnknownError" ? "" : (error.message.split("\n")[0] ?? "");
  return { name, status, code: typeof code === "string" ? code : "", words };
}
