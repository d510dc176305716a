/** A deadline that holds even where the thing asked does not mind its signal. */
import type { Ms } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";

/**
 * @param late what stands for an answer that did not come in time, or was refused with an error.
 */
export async function orElse<T>(clock: Clock, ms: Ms, outer: AbortSignal, ask: (signal: AbortSignal) => Promise<T>, late: (error: unknown) => T): Promise<T> {
  const own = new AbortController();
  let end = (): void => {};
  const ended = new Promise<T>((resolve) => {
    end = () => {
      own.abort();
      resolve(late(new Error(`no answer within ${ms} ms`)));
    };
  });
  const cancel = clock.after(ms, end);
  if (outer.aborted) end();
  else outer.addEventListener("abort", end, { once: true });
  try {
    return await Promise.race([ask(own.signal).catch(late), ended]);
  } finally {
    cancel();
    outer.removeEventListener("abort", end);
  }
}
