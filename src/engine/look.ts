/**
 * One look, with a hard deadline of our own: resolver and library timeouts overrun theirs.
 */
import type { Observation } from "../core/observation.ts";
import type { Target } from "../core/target.ts";
import type { Ms } from "../core/time.ts";
import { formatDuration } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { PreparedProbe } from "../ports/probe.ts";

/** What a probe gets on top of its deadline before we stop waiting for it. */
export const GRACE_MS: Ms = 250;

export type RunningLook = {
  /** Comes by the deadline and the grace, whatever the probe does. Never rejects. */
  readonly seen: Promise<Observation>;
  /** The probe itself has let go; after `seen`, or never. */
  readonly ended: Promise<void>;
};

/** Begins a look. `signal` ends it early: it is `unknown` then, because we stopped looking. */
export function lookOnce(clock: Clock, probe: PreparedProbe, look: { readonly target: Target; readonly deadlineMs: Ms; readonly ordinal: number; readonly signal: AbortSignal }): RunningLook {
  const { target, deadlineMs, ordinal, signal } = look;
  const startedAt = clock.now();
  const controller = new AbortController();
  const running = started(probe, { target, deadlineMs, ordinal, signal: controller.signal });

  const seen = new Promise<Observation>((resolve) => {
    const settle = (observation: Observation): void => {
      cancel();
      signal.removeEventListener("abort", onStop);
      resolve(observation);
    };
    const since = (): { at: number; tookMs: Ms } => ({ at: clock.now(), tookMs: clock.now() - startedAt });
    const onStop = (): void => {
      controller.abort();
      settle({ kind: "unknown", ...since(), cause: "internal", detail: "stopped while looking" });
    };
    const cancel = clock.after(deadlineMs + GRACE_MS, () => {
      controller.abort();
      settle({ kind: "fail", ...since(), cause: "timeout", detail: `no result within ${formatDuration(deadlineMs)}`, findings: [], facts: {} });
    });
    if (signal.aborted) onStop();
    else signal.addEventListener("abort", onStop, { once: true });
    void running.then(settle, (error: unknown) => {
      settle({ kind: "unknown", ...since(), cause: "internal", detail: `the probe broke: ${error instanceof Error ? error.message : String(error)}` });
    });
  });
  const ended = running.then(
    () => undefined,
    () => undefined,
  );
  return { seen, ended };
}

async function started(probe: PreparedProbe, look: Parameters<PreparedProbe["run"]>[0]): Promise<Observation> {
  return await probe.run(look);
}
