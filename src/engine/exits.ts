/**
 * Watches supervised processes for their exit: the surest sign there is, and the soonest.
 *
 * Which process is a target's is asked by its marker, so that adopted ones are watched
 * too. While an action of ours is under way on a target its exits are our own doing;
 * once the action has ended the marker is asked again. And news of an exit may come
 * late, when a replacement runs already: so an exit counts when nothing runs.
 */
import type { TargetId } from "../core/target.ts";
import type { Exit, ProcessRef, Processes } from "../ports/processes.ts";

export type ExitParts = {
  readonly processes: Processes;
  /** Markers of supervised targets. */
  readonly markers: ReadonlyMap<TargetId, string>;
  /** An action of ours is being carried out on the target. */
  readonly acting: (target: TargetId) => boolean;
  readonly exited: (target: TargetId, detail: string) => void;
  readonly troubled: (detail: string) => void;
};

export interface ExitWatch {
  /** Finds the target's processes and watches those not watched yet. Resolves with how many there are; null when that cannot be told. Never rejects. */
  refresh(target: TargetId): Promise<number | null>;
  stop(): void;
}

export function createExitWatch(parts: ExitParts): ExitWatch {
  const { processes, markers, acting, exited, troubled } = parts;
  /** Cancel functions by "target pid startTime". */
  const watched = new Map<string, () => void>();
  let stopped = false;

  const ended = async (target: TargetId, exit: Exit): Promise<void> => {
    if (acting(target)) return;
    const running = await refresh(target);
    if (running === 0 && !acting(target) && !stopped) exited(target, describeExit(exit));
  };
  const watch = (target: TargetId, ref: ProcessRef): void => {
    const key = `${target} ${ref.pid} ${ref.startTime}`;
    if (watched.has(key) || stopped) return;
    watched.set(key, processes.onExit(ref, (exit) => {
      watched.delete(key);
      void ended(target, exit);
    }));
  };

  const refresh = async (target: TargetId): Promise<number | null> => {
    const marker = markers.get(target);
    if (marker === undefined || stopped) return null;
    try {
      const found = await processes.find(marker);
      for (const { ref } of found) watch(target, ref);
      return found.length;
    } catch (error) {
      troubled(`processes of ${target} could not be found: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  };

  return {
    refresh,
    stop: () => {
      stopped = true;
      for (const cancel of watched.values()) cancel();
      watched.clear();
    },
  };
}

function describeExit({ ref, code, signal }: Exit): string {
  const how = signal !== null ? `killed by ${signal}` : code !== null ? `exit code ${code}` : "gone";
  return `process ${ref.pid}: ${how}`;
}
