/**
 * All roads of a scene: whatever crosses between regions, witness, buyers, edge and provider goes by one of them.
 *
 * A region is cut off by closing its roads. What a region asks of itself stays within it, except for its own public path:
 * that is the way in that buyers take, and an ingress that is dead is dead for it too.
 */
import { Road, type Address, type Closure } from "./road.ts";

export type Region = "eu" | "us";
export const REGIONS: readonly Region[] = ["eu", "us"];
export const WITNESS = "home";

/** Whoever asks. */
export type Asker = Region | typeof WITNESS | "buyers" | "edge";
/** What is asked: a region's way in, a daemon's public listener, the provider's API. */
export type Asked = `${Region}:shop` | `${Region | typeof WITNESS}:daemon` | "provider";

export type Ends = {
  /** Of each region, as the shop's name leads to it: buyers come to this port of it. */
  readonly addresses: Readonly<Record<Region, string>>;
  readonly shopPort: number;
  readonly gateways: Readonly<Record<Region, number>>;
  readonly daemons: Readonly<Record<Region | typeof WITNESS, number>>;
  readonly provider: number;
};

const HERE = "127.0.0.1";

export class Network {
  readonly #roads = new Map<string, { readonly asker: Asker; readonly asked: Asked; readonly road: Road }>();

  static async open(ends: Ends): Promise<Network> {
    const network = new Network();
    for (const region of REGIONS) {
      const gateway = { host: HERE, port: ends.gateways[region] };
      await network.#open("buyers", `${region}:shop`, { host: ends.addresses[region], port: ends.shopPort }, gateway);
      for (const asker of ["edge", WITNESS, ...REGIONS] as const) await network.#open(asker, `${region}:shop`, { host: HERE, port: 0 }, gateway);
      await network.#open(region, "provider", { host: HERE, port: 0 }, { host: HERE, port: ends.provider });
      for (const other of [...REGIONS, WITNESS] as const) {
        if (other !== region) await network.#open(region, `${other}:daemon`, { host: HERE, port: 0 }, { host: HERE, port: ends.daemons[other] });
      }
    }
    return network;
  }

  /** @throws {Error} where there is no such road. */
  road(asker: Asker, asked: Asked): Road {
    const found = this.#roads.get(`${asker}>${asked}`);
    if (found === undefined) throw new Error(`no road leads from ${asker} to ${asked}`);
    return found.road;
  }

  address(asker: Asker, asked: Asked): Address {
    return { host: HERE, port: this.road(asker, asked).port };
  }

  /** Nothing gets into the region nor out of it. */
  cutOff(region: Region): void {
    this.#closeWhere("silent", (asker, asked) => (asker === region) !== asked.startsWith(`${region}:`));
  }

  /** Its way in answers nobody, its own daemon neither. */
  refuseShop(region: Region): void {
    this.#closeWhere("refused", (_asker, asked) => asked === `${region}:shop`);
  }

  mend(): void {
    for (const { road } of this.#roads.values()) road.mend();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#roads.values()].map(({ road }) => road.stop()));
  }

  async #open(asker: Asker, asked: Asked, from: Address, to: Address): Promise<void> {
    this.#roads.set(`${asker}>${asked}`, { asker, asked, road: await Road.open(from, to) });
  }

  #closeWhere(closure: Closure, wanted: (asker: Asker, asked: Asked) => boolean): void {
    for (const { asker, asked, road } of this.#roads.values()) if (wanted(asker, asked)) road.close(closure);
  }
}
