/** How the generated APIs send: through the pool they are given, with their signal, and never more of an answer than we can hold. */
import type { HttpLibrary, RequestContext } from "@kubernetes/client-node";
import type { Dispatcher } from "undici";
import { Observable, ResponseContext, request as send } from "./sdk.ts";

/** A page of 500 pods with long environments is some 10 MB. */
export const MAX_BODY_BYTES = 48 * 1024 * 1024;

export function createBoundedHttp(maxBodyBytes: number): HttpLibrary {
  return { send: (request) => new Observable(exchange(request, maxBodyBytes)) };
}

async function exchange(request: RequestContext, maxBodyBytes: number): Promise<ResponseContext> {
  const signal = request.getSignal();
  const dispatcher = request.getDispatcher();
  const body = request.getBody();
  const answer = await send(request.getUrl(), {
    method: request.getHttpMethod() as Dispatcher.HttpMethod,
    headers: request.getHeaders(),
    body: typeof body === "string" ? body : null,
    // Deadlines are the caller's.
    headersTimeout: 0,
    bodyTimeout: 0,
    ...(signal === undefined ? {} : { signal }),
    ...(dispatcher === undefined ? {} : { dispatcher }),
  });
  const text = await readBody(answer.body, maxBodyBytes);
  const headers = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]));
  return new ResponseContext(answer.statusCode, headers, { text: async () => text, binary: async () => Buffer.from(text), stream: () => null });
}

async function readBody(body: AsyncIterable<Buffer> & { destroy(): unknown }, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      body.destroy();
      throw new Error(`an answer of more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
