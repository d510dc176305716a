/**
 * The daemon's API as the commands use it.
 */
import * as z from "zod";
import type { Http, HttpAnswer } from "../ports/http.ts";
import { ExitError } from "./terminal.ts";

export type Api = {
  get(path: string): Promise<unknown>;
  /** @throws {ExitError} 1 with the daemon's reason when it refuses. */
  post(path: string, body: Readonly<Record<string, unknown>>): Promise<unknown>;
};

const READ_MS = 10_000;
/** Orders are answered once their effect is known: the longest is a restart, with the longest graceful stop before it. */
const ORDER_MS = 150_000;
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const problemBody = z.object({ code: z.string(), detail: z.string() });

/** @param server base URL without a trailing slash */
export function apiAt(http: Http, server: string, token: string): Api {
  const ask = async (method: "GET" | "POST", path: string, body?: string): Promise<unknown> => {
    const answer = await http.request({
      method,
      url: server + path,
      headers: { authorization: `Bearer ${token}`, accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body }),
      deadlineMs: method === "GET" ? READ_MS : ORDER_MS,
      maxBodyBytes: MAX_BODY_BYTES,
      connection: "reuse",
    });
    if (answer.kind === "failed") throw new ExitError(1, `no answer from the daemon at ${server}: ${answer.detail}. Is "shopkeeper run" running? Name another with --server or SHOPKEEPER_SERVER.`);
    return read(answer, server);
  };
  return { get: (path) => ask("GET", path), post: (path, body) => ask("POST", path, JSON.stringify(body)) };
}

function read(answer: HttpAnswer, server: string): unknown {
  const value = parsed(answer.body);
  if (answer.status < 400 && value !== undefined) return value;
  const known = problemBody.safeParse(value);
  if (!known.success) throw new ExitError(1, `${server} answered ${answer.status}, and not as Shopkeeper's API does: is it the admin listener?`);
  const { code, detail } = known.data;
  if (code === "UNAUTHORIZED") throw new ExitError(1, `${server} does not know this token: set SHOPKEEPER_TOKEN to one of its configuration, or to the text of .shopkeeper/admin-token beside it`);
  throw new ExitError(1, code === "REFUSED" ? `refused: ${detail}` : `${code}: ${detail}`);
}

/** Texts of a ledger may quote what a server said: no escape sequence of its may reach a terminal. */
function withoutControls(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => (character === "\n" || character === "\t" ? character : "\uFFFD"));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text, (_key, value: unknown) => (typeof value === "string" ? withoutControls(value) : value)) as unknown;
  } catch {
    return undefined;
  }
}
