/** Deadlines that hold even where the thing asked does not mind its signal. */
import type { Ms } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";

/** One deadline for everything that is asked within it. */
export type Round = {
  /** Aborts at the deadline, and with the outer signal. */
  readonly signal: AbortSignal;
  /** What was asked, or `late(error)` where it failed or did not come in time. */
  orElse<T>(asked: Promise<T>, late: (error: unknown) => T): Promise<T>;
  /** Who began it has stopped: what did not come says nothing. */
  isStopped(): boolean;
  end(): void;
};

export function startRound(clock: Clock, ms: Ms, outer: AbortSignal): Round {
  const own = new AbortController();
  const why = (): Error => new Error(`no answer within ${ms} ms`);
  let expire = (): void => {};
  const expired = new Promise<typeof LATE>((resolve) => {
    expire = () => {
      // A reason of ours: to make the usual one costs more than a whole look.
      own.abort(why());
      resolve(LATE);
    };
  });
  const cancel = clock.after(ms, expire);
  if (outer.aborted) expire();
  else outer.addEventListener("abort", expire, { once: true });
  return {
    signal: own.signal,
    orElse: async (asked, late) => {
      const answer = await Promise.race([asked.catch(late), expired]);
      return answer === LATE ? late(why()) : answer;
    },
    isStopped: () => outer.aborted,
    end: () => {
      cancel();
      outer.removeEventListener("abort", expire);
    },
  };
}

/** A round of one question. */
export async function orElse<T>(clock: Clock, ms: Ms, outer: AbortSignal, ask: (signal: AbortSignal) => Promise<T>, late: (error: unknown) => T): Promise<T> {
  const round = startRound(clock, ms, outer);
  try {
    return await round.orElse(ask(round.signal), late);
  } finally {
    round.end();
  }
}

const LATE: unique symbol = Symbol("late");
