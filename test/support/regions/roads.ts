/** A network of proxies: all hosts are this one, and whatever crosses between them goes by a road of ours. */
import { Road, type Closure } from "./road.ts";
import { ASKERS, askedOf, HOSTS, hostOf, REGIONS, type Address, type Asked, type AskedHost, type Asker, type Host, type Network, type Place, type Ports, type Region, type Way } from "./network.ts";

const HERE = "127.0.0.1";

/** Loopback addresses of one scene of this process: several stand side by side. */
let scenes = 0;

export class Roads implements Network {
  readonly places: Readonly<Record<Place, string>>;
  readonly origins: Readonly<Record<Region, string>>;
  readonly #ports: Ports;
  readonly #roads = new Map<string, { readonly asker: Asker; readonly asked: Asked; readonly road: Road }>();

  private constructor(ports: Ports) {
    scenes += 1;
    const address = (place: number): string => `127.${(process.pid % 200) + 1}.${scenes}.${place}`;
    this.#ports = ports;
    this.places = { eu: HERE, us: HERE, home: HERE, provider: HERE, buyers: HERE, people: HERE, edge: address(30) };
    this.origins = { eu: address(10), us: address(20) };
  }

  static async open(ports: Ports): Promise<Roads> {
    const roads = new Roads(ports);
    try {
      for (const asker of ASKERS) {
        for (const asked of [...HOSTS, "provider" as const].flatMap(askedOf)) if (leads(asker, asked)) await roads.#open(asker, asked);
      }
      return roads;
    } catch (error) {
      await roads.stop();
      throw error;
    }
  }

  behind(): readonly string[] {
    return [];
  }

  listen(asked: Asked): Address {
    const { gateways, daemons, provider } = this.#ports;
    const host = hostOf(asked);
    if (host === "provider") return { host: HERE, port: provider };
    const isShop = asked.endsWith(":shop");
    return { host: HERE, port: isShop && host !== "home" ? gateways[host] : daemons[host] };
  }

  find(asker: Asker, asked: Asked): Address {
    const road = this.#roads.get(`${asker}>${asked}`)?.road;
    return road === undefined ? this.listen(asked) : road.address;
  }

  async cut(asker: Asker, asked: AskedHost, way: Way): Promise<void> {
    if (way !== "both") return this.#closeWhere(way, (from, to) => from === asker && hostOf(to) === asked);
    this.#closeWhere("silent", (from, to) => (from === asker && hostOf(to) === asked) || (from === asked && hostOf(to) === asker));
  }

  async cutOff(host: Host): Promise<void> {
    this.#closeWhere("silent", (asker, asked) => (asker === host) !== (hostOf(asked) === host));
  }

  async refuseShop(region: Region): Promise<void> {
    this.#closeWhere("refused", (_asker, asked) => asked === `${region}:shop`);
  }

  async mend(): Promise<void> {
    for (const { road } of this.#roads.values()) road.mend();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#roads.values()].map(({ road }) => road.stop()));
  }

  /** Buyers come to an address that everybody knows. */
  async #open(asker: Asker, asked: Asked): Promise<void> {
    const region = REGIONS.find((one) => asker === "buyers" && asked === `${one}:shop`);
    const from = region === undefined ? { host: HERE, port: 0 } : { host: this.origins[region], port: this.#ports.shop };
    this.#roads.set(`${asker}>${asked}`, { asker, asked, road: await Road.open(from, this.listen(asked)) });
  }

  #closeWhere(closure: Closure, wanted: (asker: Asker, asked: Asked) => boolean): void {
    for (const { asker, asked, road } of this.#roads.values()) if (wanted(asker, asked)) road.close(closure);
  }
}

/** A region's own public path is one too: it is the way in that buyers take. Edge and buyers ask for pages alone, a witness asks nobody for its zone. */
function leads(asker: Asker, asked: Asked): boolean {
  if (asked.endsWith(":shop")) return true;
  if (asker === "edge" || asker === "buyers") return false;
  return asked === "provider" ? asker !== "home" : hostOf(asked) !== asker;
}
