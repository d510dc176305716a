/**
 * The network of a scene: which hosts there are, who asks what of whom, and how they are cut apart.
 *
 * Two things fulfil it: hosts in network namespaces (namespaces.ts), and where those may not be had, proxies of ours
 * between processes of one host (roads.ts). What a region asks of itself stays within it, and so does what people ask of
 * its daemon: they have a line of their own, which is never cut. Only a way in that refuses everybody refuses the region
 * itself and its people too.
 */
export type Region = "eu" | "us";
export const REGIONS: readonly Region[] = ["eu", "us"];
export const WITNESS = "home";

/** A host with processes of Shopkeeper's. */
export type Host = Region | typeof WITNESS;
export const HOSTS: readonly Host[] = [...REGIONS, WITNESS];

/** Where a server listens, or whoever asks comes from. */
export type Place = Host | "provider" | "edge" | "buyers" | "people";
/** Whoever asks by what can be cut. */
export type Asker = Host | "edge" | "buyers";
export const ASKERS: readonly Asker[] = [...HOSTS, "edge", "buyers"];
/** What is asked: a region's way in, a daemon's public listener, the provider's API. */
export type Asked = `${Region}:shop` | `${Host}:daemon` | "provider";
/** Whoever has something to be asked. */
export type AskedHost = Host | "provider";

/**
 * `both`: nothing passes between the two, whoever asks. `requests`: what the asker sends to ask something does not arrive;
 * `answers`: what is answered to it does not. All of it is lost without a word.
 */
export type Way = "both" | "requests" | "answers";

export type Address = { readonly host: string; readonly port: number };

/** Chosen before anything is started. */
export type Ports = {
  /** Where buyers come to, in each region and at the edge. */
  readonly shop: number;
  /** Of gateways that share their host with others. */
  readonly gateways: Readonly<Record<Region, number>>;
  readonly daemons: Readonly<Record<Host, number>>;
  readonly provider: number;
};

export interface Network {
  /** Of each place: its servers listen there, its questions come from there. */
  readonly places: Readonly<Record<Place, string>>;
  /** What the shop's name leads to. */
  readonly origins: Readonly<Record<Region, string>>;
  /** What the command of a process on that host is put behind. */
  behind(host: Host): readonly string[];
  /** Where what is asked listens. */
  listen(asked: Asked): Address;
  /** Where it is found by who asks. */
  find(asker: Asker, asked: Asked): Address;
  cut(asker: Asker, asked: AskedHost, way: Way): Promise<void>;
  /** Nothing gets into the host nor out of it. */
  cutOff(host: Host): Promise<void>;
  /** Its way in resets every connection, its own daemon's too. */
  refuseShop(region: Region): Promise<void>;
  /** As it was before all cuts. */
  mend(): Promise<void>;
  stop(): Promise<void>;
}

export function hostOf(asked: Asked): AskedHost {
  const [host = ""] = asked.split(":");
  return host as AskedHost;
}

export const urlOf = ({ host, port }: Address): string => `http://${host}:${port}`;

/** All that can be asked of a host. */
export function askedOf(host: AskedHost): readonly Asked[] {
  if (host === "provider") return ["provider"];
  return host === WITNESS ? [`${host}:daemon`] : [`${host}:shop`, `${host}:daemon`];
}
