/**
 * The RedisPinger port on ioredis.
 *
 * ioredis's defaults hide an outage: with no server the first command fails after
 * 74 s. So nothing queues, nothing is retried, and a deadline of our own runs around it.
 */
import { Redis } from "ioredis";
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { PingAnswer, RedisPinger } from "../ports/redis-pinger.ts";
import { classify } from "./network-failure.ts";
import { shortened } from "../core/shortened.ts";

const CONNECT_MS = 10_000;

export type RedisPingOptions = { readonly clock: Clock; readonly url: string };

/** A connection shared by all pings under way. */
type Line = {
  readonly redis: Redis;
  readonly ready: Promise<void>;
  /** It carried a PONG before; so if it breaks, that says nothing of the server as it is now. */
  used: boolean;
  lastError: unknown;
};

export function createRedisPing({ clock, url }: RedisPingOptions): RedisPinger {
  let kept: Line | null = null;

  const open = (): Line => {
    // ioredis's own reconnecting would run beside our looks: a broken line is dropped, the next ping makes another.
    const redis = new Redis(url, {
      lazyConnect: true,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      maxRetriesPerRequest: 1,
      connectTimeout: CONNECT_MS,
      retryStrategy: () => null,
    });
    const line: Line = { redis, ready: redis.connect(), used: false, lastError: null };
    redis.on("error", (error: unknown) => {
      line.lastError = error;
    });
    redis.once("end", () => drop(line));
    kept = line;
    return line;
  };
  const drop = (line: Line): void => {
    line.redis.disconnect();
    if (kept === line) kept = null;
  };
  const pingOn = async (line: Line): Promise<void> => {
    await line.ready;
    await line.redis.ping();
    line.used = true;
  };

  return {
    ping: (deadlineMs, signal) => ask(deadlineMs, signal),
    close: async () => {
      if (kept !== null) drop(kept);
    },
  };

  function ask(deadlineMs: Ms, signal: AbortSignal | undefined): Promise<PingAnswer> {
    const startedAt = clock.now();
    const took = (): Ms => clock.now() - startedAt;
    return new Promise((resolve) => {
      let settled = false;
      let line = kept ?? open();
      const settle = (answer: PingAnswer): void => {
        if (settled) return;
        settled = true;
        cancel();
        signal?.removeEventListener("abort", onAbort);
        if (answer.kind === "failed") drop(line);
        resolve(answer);
      };
      const fail = (explained: Explained): void => settle({ kind: "failed", ...explained, tookMs: took() });
      const onAbort = (): void => fail({ cause: "timeout", noNetwork: true, detail: "the caller gave up" });
      const cancel = clock.after(deadlineMs, () => fail({ cause: "timeout", noNetwork: false, detail: `no PONG within ${deadlineMs} ms` }));
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted === true) onAbort();

      const attempt = (): void => {
        const { used } = line;
        pingOn(line).then(
          () => settle({ kind: "pong", tookMs: took() }),
          (error: unknown) => {
            if (settled) return;
            if (!used || isReply(error)) return fail(explain(error, line.lastError));
            drop(line);
            line = kept ?? open();
            attempt();
          },
        );
      };
      attempt();
    });
  }
}

type Explained = Pick<Extract<PingAnswer, { kind: "failed" }>, "cause" | "noNetwork" | "detail">;

/** ioredis reports "Connection is closed." for everything; what really happened came by its `error` event. */
function explain(error: unknown, lastError: unknown): Explained {
  const cause = isReply(error) ? error : (lastError ?? error);
  // The server is there and says no: NOAUTH, LOADING, MASTERDOWN.
  if (isReply(cause)) return { cause: "body", noNetwork: false, detail: shortened(cause.message, 200) };
  return classify(cause, false);
}

function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}
