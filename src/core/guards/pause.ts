/** A person said to keep hands off: of everything, of a policy, or of a target. */
import type { Pause } from "../scene.ts";
import type { Guard, Question } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const pause: Guard = {
  name: "pause",
  ask: (question) => {
    const { pauses, now } = question.scene;
    const inForce = pauses.filter((one) => (one.until === null || one.until > now) && covers(one, question));
    const longest = inForce.toSorted((a, b) => (b.until ?? Infinity) - (a.until ?? Infinity))[0];
    return longest === undefined ? ALLOW : hold("pause", `paused by ${longest.by}: ${longest.why}`, longest.until);
  },
};

function covers({ scope }: Pause, { proposal, policy }: Question): boolean {
  switch (scope.kind) {
    case "all":
      return true;
    case "policy":
      return scope.policy === policy.name;
    case "target":
      return scope.target === proposal.target;
  }
}
