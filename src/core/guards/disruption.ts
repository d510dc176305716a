/** A disruption budget, or a pod that is on its way out already: the workload cannot spare this one now. The remedy has asked the cluster. */
import { found } from "./guard.ts";

export const disruption = found("disruption");
