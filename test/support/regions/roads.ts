/** All of a scene on this host's loopback: whatever crosses between its places goes by a road of ours that can be closed. */
import { freeDnsPort as freePort } from "../../../demo/dns/server-process.ts";
import { PLACES, REGIONS, WITNESS, type Asked, type Asker, type Network, type Outside, type Place, type Region, type SitePorts } from "./network.ts";
import { Road, type Address, type Closure } from "./road.ts";

const HERE = "127.0.0.1";

/** Loopback addresses of one scene of this process: several stand side by side. */
let scenes = 0;

export async function openRoads(): Promise<Network> {
  scenes += 1;
  const address = (place: number): string => `127.${(process.pid % 200) + 1}.${scenes}.${place}`;
  const site = async (): Promise<SitePorts> => ({ app: await freePort(), gateway: await freePort(), admin: await freePort() });
  return new Roads({
    addresses: { eu: address(10), us: address(20) }, edge: address(30), shopPort: await freePort(),
    ports: { eu: await site(), us: await site() }, daemons: { eu: await freePort(), us: await freePort(), home: await freePort() },
  });
}

type RoadsParts = Pick<Network, "addresses" | "edge" | "shopPort" | "ports"> & { readonly daemons: Readonly<Record<Place, number>> };

class Roads implements Network {
  readonly kind = "roads";
  readonly addresses: Network["addresses"];
  readonly edge: string;
  readonly shopPort: number;
  readonly ports: Network["ports"];
  readonly #daemons: RoadsParts["daemons"];
  readonly #roads = new Map<string, { readonly asker: Asker; readonly asked: Asked; readonly road: Road }>();
  #receiver = 0;

  constructor({ addresses, edge, shopPort, ports, daemons }: RoadsParts) {
    this.addresses = addresses;
    this.edge = edge;
    this.shopPort = shopPort;
    this.ports = ports;
    this.#daemons = daemons;
  }

  within(): readonly string[] {
    return [];
  }

  host(): string {
    return HERE;
  }

  daemonPort(place: Place): number {
    return this.#daemons[place];
  }

  async lead({ provider, receiver }: Outside): Promise<void> {
    this.#receiver = receiver;
    for (const region of REGIONS) {
      const gateway = { host: HERE, port: this.ports[region].gateway };
      await this.#open("buyers", `${region}:shop`, { host: this.addresses[region], port: this.shopPort }, gateway);
      for (const asker of ["edge", ...PLACES] as const) await this.#open(asker, `${region}:shop`, { host: HERE, port: 0 }, gateway);
      await this.#open(region, "provider", { host: HERE, port: 0 }, { host: HERE, port: provider });
      for (const asked of PLACES) await this.#open(region, `${asked}:daemon`, { host: HERE, port: 0 }, { host: HERE, port: this.#daemons[asked] });
      // A witness asks no daemon, but its configuration names them all.
      await this.#open(WITNESS, `${region}:daemon`, { host: HERE, port: 0 }, { host: HERE, port: this.#daemons[region] });
    }
    await this.#open(WITNESS, `${WITNESS}:daemon`, { host: HERE, port: 0 }, { host: HERE, port: this.#daemons[WITNESS] });
  }

  address(asker: Asker, asked: Asked): Address {
    const host = asker === "buyers" && asked !== "provider" ? this.addresses[asked.slice(0, 2) as Region] : HERE;
    return { host, port: this.#road(asker, asked).port };
  }

  receiver(): Address {
    return { host: HERE, port: this.#receiver };
  }

  close(asker: Asker, asked: Asked, closure: Closure): void {
    this.#road(asker, asked).close(closure);
  }

  cutOff(place: Place): void {
    this.#closeWhere("silent", (asker, asked) => (asker === place) !== asked.startsWith(`${place}:`));
  }

  refuseShop(region: Region): void {
    this.#closeWhere("refused", (_asker, asked) => asked === `${region}:shop`);
  }

  mend(): void {
    for (const { road } of this.#roads.values()) road.mend();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#roads.values()].map(({ road }) => road.stop()));
  }

  #road(asker: Asker, asked: Asked): Road {
    const found = this.#roads.get(`${asker}>${asked}`);
    if (found === undefined) throw new Error(`no road leads from ${asker} to ${asked}`);
    return found.road;
  }

  async #open(asker: Asker, asked: Asked, from: Address, to: Address): Promise<void> {
    this.#roads.set(`${asker}>${asked}`, { asker, asked, road: await Road.open(from, to) });
  }

  #closeWhere(closure: Closure, wanted: (asker: Asker, asked: Asked) => boolean): void {
    for (const { asker, asked, road } of this.#roads.values()) if (wanted(asker, asked)) road.close(closure);
  }
}
