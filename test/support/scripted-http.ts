/** An Http whose answers are written down, keeping its deadlines on the clock it is given. */
import { sleep, type Clock } from "../../src/ports/clock.ts";
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from "../../src/ports/http.ts";

/** `hang`: no answer until the deadline, or until the caller gives up. `afterMs`: so long after it was asked; default at once. */
export type Scripted = { readonly status: number; readonly body: string; readonly afterMs?: number; readonly headers?: Readonly<Record<string, string>>; readonly bodyCut?: boolean } | Pick<HttpFailure, "cause"> | "hang";

export type ScriptedHttp = Http & { readonly requests: HttpRequest[] };

/** @param script what the request numbered so, from 0, gets. */
export function scriptedHttp(clock: Clock, script: (request: HttpRequest, number: number) => Scripted): ScriptedHttp {
  const requests: HttpRequest[] = [];
  return {
    requests,
    request: async (request) => {
      const scripted = script(request, requests.length);
      requests.push(request);
      if (scripted === "hang") return hang(clock, request);
      if ("cause" in scripted) return failure(scripted.cause, "as written down");
      const { status, body, headers = {}, bodyCut = false, afterMs = 0 } = scripted;
      if (afterMs >= request.deadlineMs) return hang(clock, request);
      if (afterMs > 0) await sleep(clock, afterMs, request.signal);
      return { kind: "answer", status, headers, body, bodyBytes: Buffer.byteLength(body), bodyCut, firstByteMs: 1, tookMs: 1 } satisfies HttpAnswer;
    },
    close: async () => {},
  };
}

function hang(clock: Clock, { deadlineMs, signal }: HttpRequest): Promise<HttpFailure> {
  return new Promise((resolve) => {
    const cancel = clock.after(deadlineMs, () => resolve(failure("timeout", `no answer within ${deadlineMs} ms`)));
    signal?.addEventListener("abort", () => {
      cancel();
      resolve(failure("timeout", "the caller gave up"));
    });
  });
}

const failure = (cause: HttpFailure["cause"], detail: string): HttpFailure => ({ kind: "failed", cause, noNetwork: false, answered: false, detail, tookMs: 1 });
