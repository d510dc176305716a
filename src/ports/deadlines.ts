/**
 * Many deadlines, one timer. Almost every exchange ends long before its deadline,
 * so those only leave the set: the timer is neither stopped nor started again.
 */
import type { Clock } from "./clock.ts";
import type { Instant } from "../core/time.ts";

/** Something that must end by an instant. */
export type Expiring = { readonly expiresAt: Instant; expire(): void };

export type Deadlines = {
  add(one: Expiring): void;
  remove(one: Expiring): void;
  close(): void;
};

export function createDeadlines(clock: Clock): Deadlines {
  const waiting = new Set<Expiring>();
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
    close: () => {
      cancel();
      armedFor = Infinity;
      waiting.clear();
    },
  };
}
