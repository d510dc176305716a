/**
 * Many deadlines, one timer. Almost every exchange ends long before its deadline,
 * so those only leave the set: the timer is neither stopped nor started again.
 */
import type { Clock } from "./clock.ts";
import type { Instant } from "../core/time.ts";

/** Something that must end by an instant. */
export type Expiring = { readonly expiresAt: Instant; expire(): void };

export type Deadlines<One extends Expiring> = {
  add(one: One): void;
  remove(one: One): void;
  /** All that were added and neither removed nor expired, as they are now. */
  waiting(): readonly One[];
  close(): void;
};

export function createDeadlines<One extends Expiring>(clock: Clock): Deadlines<One> {
  const waiting = new Set<One>();
  let armedFor: Instant = Infinity;
  let cancel = (): void => {};

  const arm = (at: Instant): void => {
    cancel();
    armedFor = at;
    cancel = clock.after(at - clock.now(), sweep);
  };
  const sweep = (): void => {
    const now = clock.now();
    armedFor = Infinity;
    let next: Instant = Infinity;
    for (const one of [...waiting]) {
      if (one.expiresAt <= now) {
        // One expiry may have ended others.
        if (waiting.delete(one)) one.expire();
      } else if (one.expiresAt < next) next = one.expiresAt;
    }
    // An expiry may have added a shorter one meanwhile.
    if (next < armedFor) arm(next);
  };

  return {
    add: (one) => {
      waiting.add(one);
      if (one.expiresAt < armedFor) arm(one.expiresAt);
    },
    remove: (one) => void waiting.delete(one),
    waiting: () => [...waiting],
    close: () => {
      cancel();
      armedFor = Infinity;
      waiting.clear();
    },
  };
}
