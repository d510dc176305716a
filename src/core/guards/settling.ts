/** A new leader looks for two cycles before it acts: what it knows is what others wrote, and a verdict of its own takes three looks. */
import type { Guard } from "./guard.ts";
import { ALLOW, hold } from "./guard.ts";

export const settling: Guard = {
  name: "settling",
  ask: ({ scene }) => (scene.now >= scene.actFrom ? ALLOW : hold("settling", "it leads since a moment ago, and looks for two cycles before it acts", scene.actFrom)),
};
