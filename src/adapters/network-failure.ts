/**
 * What an error of the network says: about the target, or about our own host.
 */
import type { FailCause } from "../core/observation.ts";
import { shortened } from "../core/shortened.ts";

/** Causes a connection can fail by. */
export type NetworkCause = Extract<FailCause, "refused" | "reset" | "timeout" | "resolve" | "tls" | "truncated">;

export type NetworkFailure = {
  readonly cause: NetworkCause;
  /** The fault is on this host, so it is no evidence about the target. */
  readonly noNetwork: boolean;
  readonly detail: string;
};

/** Errors that mean that nothing left this host: no route, no descriptor, no address. */
const OWN_FAULT = new Set(["ENETUNREACH", "ENETDOWN", "EADDRNOTAVAIL", "EMFILE", "ENFILE", "ENOBUFS", "EACCES", "EPERM"]);
const TIMEOUT = new Set(["ETIMEDOUT", "EHOSTUNREACH", "EHOSTDOWN"]);
/** The resolver answered: there is no such name. */
const NO_SUCH_NAME = new Set(["ENOTFOUND", "ENODATA", "EBADNAME"]);
/** No resolver answered; on this host, so it says nothing about the target. */
const NO_RESOLVER = new Set(["EAI_AGAIN", "ESERVFAIL", "EREFUSED", "ETIMEOUT", "ECANCELLED", "EDESTRUCTION", "EAI_FAIL", "ECONNREFUSED_DNS"]);
const TLS = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO$|HOSTNAME_MISMATCH$|INVALID_CA$|ERR_OSSL_)/;

/**
 * Names the cause of an error of a socket or a resolver. Never throws.
 *
 * An exchange that breaks after the headers came is `truncated` whatever broke it.
 */
export function classify(error: unknown, answered: boolean): NetworkFailure {
  const { code, message } = describe(error);
  const detail = message;
  if (OWN_FAULT.has(code)) return { cause: "refused", noNetwork: true, detail };
  if (NO_RESOLVER.has(code)) return { cause: "resolve", noNetwork: true, detail };
  if (NO_SUCH_NAME.has(code)) return { cause: "resolve", noNetwork: false, detail };
  if (code === "ECONNREFUSED") return { cause: "refused", noNetwork: false, detail };
  if (TIMEOUT.has(code)) return { cause: "timeout", noNetwork: false, detail };
  if (TLS.test(code)) return { cause: "tls", noNetwork: false, detail };
  if (answered) return { cause: "truncated", noNetwork: false, detail };
  return { cause: "reset", noNetwork: false, detail };
}

/** The code and the words of an error; of several attempts (IPv4, IPv6) the first one's. */
function describe(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: "", message: String(error) };
  const code = codeOf(error);
  if (error instanceof AggregateError && error.errors.length > 0) {
    const first: unknown = error.errors[0];
    const message = error.errors.map((each: unknown) => (each instanceof Error ? each.message : String(each))).join("; ");
    return { code: code === "" ? codeOf(first) : code, message: shortened(message, 300) };
  }
  return { code, message: shortened(error.message === "" ? code : error.message, 300) };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
