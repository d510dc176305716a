/** What befalls the region that buyers are led to. */
import type { RegionScene } from "../../test/support/regions/scene.ts";

export type RtoFault = {
  readonly name: string;
  readonly about: string;
  /** Its gateway still answers buyers: none of them may see an error. */
  readonly serves: boolean;
  /** Seconds from the fault to the change at the provider. */
  readonly budget: { readonly from: number; readonly to: number };
  strike(scene: RegionScene): Promise<void>;
};

/** Of the region lost, in seconds. */
export const BUDGET_S = 15;
/** A region that can only serve copies is left after 60 s; what follows is detection by two observers, and the write. */
const COPIES_S = { from: 60, to: 75 };
const LOST = { from: 0, to: BUDGET_S };

export const COPIES_ONLY: RtoFault = {
  name: "copies-only",
  about: "the application dies, and the gateway serves copies",
  serves: true,
  budget: COPIES_S,
  strike: ({ regions }) => regions.eu.killApplication(),
};

export const LOSSES: readonly RtoFault[] = [
  { name: "region cut off", about: "whatever is sent into the region or out of it is lost", serves: false, budget: LOST, strike: ({ network }) => network.cutOff("eu") },
  { name: "ingress dead", about: "its way in refuses everybody; its daemon and its application are well", serves: false, budget: LOST, strike: ({ network }) => network.refuseShop("eu") },
  {
    name: "all pods gone",
    about: "application and gateway die; its daemon lives",
    serves: false,
    budget: LOST,
    strike: async ({ regions }) => void (await Promise.all([regions.eu.killApplication(), regions.eu.killGateway()])),
  },
];
