/**
 * The network of a scene: where each of its places stands, by what way one reaches another, and how that way is cut.
 *
 * Two of them are alike to whoever uses them. Hosts (hosts.ts): each region and the witness is a host of its own in a
 * network namespace, and ways are cut by its packet filter, as between real machines. Roads (roads.ts): all stand on this
 * host's loopback, and each way is a proxy of ours that can be closed, where namespaces may not be made.
 */
import { lacksOfHosts } from "./namespaces.ts";
import type { Address, Closure } from "./road.ts";

export type Region = "eu" | "us";
export const REGIONS: readonly Region[] = ["eu", "us"];
export const WITNESS = "home";
/** What can be cut off as a whole. */
export type Place = Region | typeof WITNESS;
export const PLACES: readonly Place[] = [...REGIONS, WITNESS];

/** Whoever asks. */
export type Asker = Place | "buyers" | "edge";
/** What is asked: a region's way in, a daemon's public listener, the provider's API. */
export type Asked = `${Region}:shop` | `${Place}:daemon` | "provider";

/** Where a region's processes listen. Its application is asked by its own host alone. */
export type SitePorts = { readonly app: number; readonly gateway: number; readonly admin: number };

/** What the scene itself keeps on this host's loopback, and its regions reach by the network. */
export type Outside = { readonly provider: number; readonly receiver: number };

export interface Network {
  readonly kind: "hosts" | "roads";
  /** Of each region, as the shop's name leads to it: buyers come to `shopPort` of it. */
  readonly addresses: Readonly<Record<Region, string>>;
  readonly shopPort: number;
  /** Where the edge listens, at `shopPort`, and what it asks from. */
  readonly edge: string;
  readonly ports: Readonly<Record<Region, SitePorts>>;
  /** What a command of a process of that place begins with; empty: nothing. */
  within(place: Place): readonly string[];
  /** What its processes listen on; this host reaches it there, too. */
  host(place: Place): string;
  /** Where a daemon's public listener stands. */
  daemonPort(place: Place): number;
  /** From now on every way leads somewhere. */
  lead(outside: Outside): Promise<void>;
  /** Where `asker` reaches it. @throws {Error} where there is no such way */
  address(asker: Asker, asked: Asked): Address;
  /** Where pages to people go. */
  receiver(): Address;
  close(asker: Asker, asked: Asked, closure: Closure): void;
  /** Nothing gets into the place nor out of it; a person at its own console still does. */
  cutOff(place: Place): void;
  /** Its way in answers nobody, its own daemon neither. */
  refuseShop(region: Region): void;
  mend(): void;
  stop(): Promise<void>;
}

/** @param roads even where hosts may be made. */
export async function openNetwork(roads: boolean): Promise<Network> {
  if (roads || lacksOfHosts() !== null) return (await import("./roads.ts")).openRoads();
  return (await import("./hosts.ts")).openHosts();
}

/** Which of the two it is, for people. */
export function networkText(roads: boolean): string {
  const lacks = lacksOfHosts();
  if (roads) return "ways between regions are proxies on this host's loopback, as asked for";
  return lacks === null ? "each region is a host in a network namespace, cut off by its packet filter" : `ways between regions are proxies on this host's loopback, since hosts in network namespaces cannot be made: ${lacks}`;
}
