/** What an answer of the API server, or none, means for the caller. */
import { ClusterError } from "../../ports/cluster.ts";
import type { ClusterErrorCode } from "../../ports/cluster.ts";

const MAX_MESSAGE_CHARS = 400;

/** The API server's `Status` object, as far as it is read here. */
export type ApiStatus = {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
};

/** A refusal of the API server, with what it said. Still a ClusterError to everybody else. */
export class ApiRefusal extends ClusterError {
  readonly status: number;
  readonly said: ApiStatus;
  constructor(code: ClusterErrorCode, message: string, status: number, said: ApiStatus, cause: unknown) {
    super(code, message, { cause });
    this.status = status;
    this.said = said;
  }
}

/** Puts an error of the client, of the network or of the API server into our words. `what`: "evict pod web-1". */
export function clusterError(what: string, error: unknown): ClusterError {
  if (error instanceof ClusterError) return error;
  const status = statusOf(error);
  if (status === null) return new ClusterError("UNAVAILABLE", cut(`${what}: ${wordsOf(error)}`), { cause: error });
  const said = saidBy(error);
  const words = said.message ?? said.reason ?? `HTTP ${status}`;
  return new ApiRefusal(codeOf(status), cut(`${what}: ${status === 401 ? "our credentials are not accepted" : words}`), status, said, error);
}

/** The budget's own words when an eviction was refused by one; null for any other 429. */
export function blockedByBudget(error: unknown): string | null {
  if (!(error instanceof ApiRefusal) || error.status !== 429) return null;
  const cause = error.said.details?.causes?.find((one) => one.reason === "DisruptionBudget");
  if (cause === undefined) return null;
  return cut([error.said.message, cause.message].filter((part) => part !== undefined && part !== "").join(" "));
}

function codeOf(status: number): ClusterErrorCode {
  switch (status) {
    case 401:
    case 403:
      return "FORBIDDEN";
    case 404:
      return "NOT_FOUND";
    case 409:
      return "CONFLICT";
    case 429:
      return "TOO_MANY";
    case 410:
      return "UNAVAILABLE";
    default:
      return status >= 400 && status < 500 ? "INVALID" : "UNAVAILABLE";
  }
}

/** `code` of the generated APIs, `statusCode` of a watch, `code` of a Status within a stream. */
function statusOf(error: unknown): number | null {
  if (typeof error !== "object" || error === null) return null;
  if ("statusCode" in error && typeof error.statusCode === "number") return error.statusCode;
  return "code" in error && typeof error.code === "number" ? error.code : null;
}

function saidBy(error: unknown): ApiStatus {
  if (typeof error !== "object" || error === null) return {};
  const body: unknown = "body" in error ? error.body : "kind" in error ? error : undefined;
  if (typeof body === "object" && body !== null) return body;
  if (typeof body !== "string") return {};
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === "object" && parsed !== null ? parsed : { message: body };
  } catch {
    return body === "" ? {} : { message: body };
  }
}

/** fetch hides what happened in `cause`. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return `${error.message}: ${wordsOf(error.cause)}`;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return error.message === "" ? code || error.name : error.message;
}

function cut(text: string): string {
  return text.length > MAX_MESSAGE_CHARS ? `${text.slice(0, MAX_MESSAGE_CHARS - 1)}…` : text;
}
