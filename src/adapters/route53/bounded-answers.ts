/** The SDK reads an answer whole, however long it is. */
import { pipeline, Readable, Transform } from "node:stream";
import type { Route53Client } from "./sdk.ts";

/** Three record sets are a few kilobytes. */
const MAX_ANSWER_BYTES = 1_048_576;

export function boundAnswers(client: Route53Client, maxBytes = MAX_ANSWER_BYTES): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { response } = result as { response: { body?: unknown } };
      if (response.body instanceof Readable) response.body = atMost(response.body, maxBytes);
      return result;
    },
    { step: "deserialize", priority: "low", name: "boundAnswers" },
  );
}

function atMost(body: Readable, maxBytes: number): Readable {
  let bytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(bytes > maxBytes ? new Error(`an answer of more than ${maxBytes} bytes`) : null, chunk);
    },
  });
  // An error reaches the reader through `counted`.
  return pipeline(body, counted, () => {});
}
