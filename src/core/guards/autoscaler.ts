/** An autoscaler that works sizes the workload better than a policy of ours: two hands on one size would swing it. The remedy has looked at it. */
import { found } from "./guard.ts";

export const autoscaler = found("autoscaler");
