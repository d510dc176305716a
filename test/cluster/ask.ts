/**
 * One question to an API server at a time, without a client library: what the
 * harness needs before any client can be trusted.
 */
import { request as plain } from "node:http";
import { request as secure } from "node:https";

export type Reply = { readonly status: number; readonly body: unknown };

/** Asks for a path. A body is sent as JSON. @throws {Error} when no answer comes within the deadline. */
export type Ask = (method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown) => Promise<Reply>;

const DEADLINE_MS = 10_000;
/** Largest answer taken. */
const MAX_BYTES = 32 * 1024 * 1024;

export type AskOptions = {
  /** `https:`, or `http:` to a proxy that brings certificate and token itself. */
  readonly server: string;
  /** PEM of the authority that signed the server's certificate. */
  readonly ca: string;
  /** "": none is sent. */
  readonly token: string;
  readonly deadlineMs?: number;
};

export function createAsk({ server, ca, token, deadlineMs = DEADLINE_MS }: AskOptions): Ask {
  const request = server.startsWith("http:") ? plain : secure;
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const headers: Record<string, string> = { accept: "application/json", ...(token === "" ? {} : { authorization: `Bearer ${token}` }) };
      if (body !== undefined) headers["content-type"] = method === "PATCH" ? "application/merge-patch+json" : "application/json";
      const deadline = AbortSignal.timeout(deadlineMs);
      const fail = (cause: Error): void => reject(deadline.aborted ? new Error(`no answer to ${method} ${path} within ${deadlineMs} ms`, { cause }) : cause);
      const sent = request(new URL(path, server), { method, ca, headers, agent: false, signal: deadline }, (answer) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes > MAX_BYTES) sent.destroy(new Error(`more than ${MAX_BYTES} bytes from ${path}`));
        });
        answer.on("error", fail);
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString(), answer.headers["content-type"]) }));
      });
      sent.on("error", fail);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

function parsed(text: string, type: string | undefined): unknown {
  return type?.startsWith("application/json") === true ? JSON.parse(text) : text;
}

/** Whether a path answers 200; an answer that does not come is a no. */
export async function answers(ask: Ask, path: string): Promise<boolean> {
  try {
    return (await ask("GET", path)).status === 200;
  } catch {
    return false;
  }
}

/** Creates objects, each at its own path. @throws {Error} with what the server said against one. */
export async function create(ask: Ask, objects: readonly (readonly [path: string, object: object])[]): Promise<void> {
  for (const [path, object] of objects) {
    const { status, body } = await ask("POST", path, object);
    if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`);
  }
}
