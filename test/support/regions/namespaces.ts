/**
 * A network of hosts: each region and the witness in a network namespace of its own, behind a router that is one too and
 * drops what is cut, with iptables. The rest of the world (provider, edge, buyers, people) is this machine, by an
 * interface to the router with an address for each.
 *
 * Of the machine's own network nothing is changed but that interface, with its addresses and the route to the hosts; they
 * go with it. Each run has a subnet of 198.18.0.0/15 for itself, which is kept for measuring networks (RFC 2544).
 */
import { askedOf, HOSTS, hostOf, type Address, type Asked, type AskedHost, type Asker, type Host, type Network, type Place, type Ports, type Region, type Way } from "./network.ts";
import { ipHere, Namespace } from "./namespace.ts";

/** Subnets that are tried for one that nobody has. */
const TRIES = 64;
const SUBNETS = 512;

/** Of the last number of an address; a router's end comes before it. */
const LAST: Readonly<Record<Place, number>> = { people: 2, provider: 3, edge: 4, buyers: 5, eu: 18, us: 34, home: 50 };
const ROUTER: Readonly<Record<Host | "rest", number>> = { rest: 1, eu: 17, us: 33, home: 49 };
const HERE: readonly Place[] = ["people", "provider", "edge", "buyers"];
/** Whom a host that is cut off no longer reaches; its people always do. */
const CUT: readonly Place[] = ["eu", "us", "home", "provider", "edge", "buyers"];

export class Namespaces implements Network {
  readonly places: Readonly<Record<Place, string>>;
  readonly origins: Readonly<Record<Region, string>>;
  readonly #ports: Ports;
  readonly #subnet: Subnet;
  readonly #router: Namespace;
  readonly #hosts: Readonly<Record<Host, Namespace>>;
  readonly #cuts = new Set<string>();

  private constructor(ports: Ports, subnet: Subnet, router: Namespace, hosts: Readonly<Record<Host, Namespace>>) {
    const { address } = subnet;
    this.#ports = ports;
    this.#subnet = subnet;
    this.#router = router;
    this.#hosts = hosts;
    this.places = { people: address(LAST.people), provider: address(LAST.provider), edge: address(LAST.edge), buyers: address(LAST.buyers), eu: address(LAST.eu), us: address(LAST.us), home: address(LAST.home) };
    this.origins = this.places;
  }

  /** @throws {Error} where this machine does not let us: no root, no iptables, no subnet left. */
  static async open(ports: Ports): Promise<Namespaces> {
    await using closing = new AsyncDisposableStack();
    const open = async (): Promise<Namespace> => closing.adopt(await Namespace.open(), (one) => one.close());
    const router = await open();
    const hosts = { eu: await open(), us: await open(), home: await open() };
    const subnet = await takeSubnet(router);
    closing.defer(() => subnet.giveBack());
    const network = new Namespaces(ports, subnet, router, hosts);
    await network.#connect();
    closing.move();
    return network;
  }

  behind(host: Host): readonly string[] {
    return this.#hosts[host].behind;
  }

  listen(asked: Asked): Address {
    const host = hostOf(asked);
    const { shop, daemons, provider } = this.#ports;
    if (host === "provider") return { host: this.places.provider, port: provider };
    return { host: this.places[host], port: asked.endsWith(":shop") ? shop : daemons[host] };
  }

  /** Everybody finds it where it is. */
  find(_asker: Asker, asked: Asked): Address {
    return this.listen(asked);
  }

  async cut(asker: Asker, asked: AskedHost, way: Way): Promise<void> {
    const ports = askedOf(asked).map((one) => this.listen(one).port);
    await this.#drop(dropsOf(this.places[asker], this.places[asked], ports, way));
  }

  async cutOff(host: Host): Promise<void> {
    const others = CUT.filter((place) => place !== host);
    await this.#drop(others.flatMap((other) => dropsOf(this.places[host], this.places[other], [], "both")));
  }

  async refuseShop(region: Region): Promise<void> {
    await this.#hosts[region].filter([`-A INPUT -p tcp --dport ${this.#ports.shop} -j REJECT --reject-with tcp-reset`]);
  }

  async mend(): Promise<void> {
    this.#cuts.clear();
    await Promise.all([this.#router, ...Object.values(this.#hosts)].map((one) => one.filter([])));
  }

  /** All that runs in it has ended by then. */
  async stop(): Promise<void> {
    await this.#subnet.giveBack();
    await Promise.all([this.#router, ...Object.values(this.#hosts)].map((one) => one.close()));
  }

  async #drop(rules: readonly string[]): Promise<void> {
    for (const rule of rules) this.#cuts.add(rule);
    await this.#router.filter([...this.#cuts]);
  }

  async #connect(): Promise<void> {
    const { address } = this.#subnet;
    const links = HOSTS.flatMap((host) => [`link add name ${host} type veth peer name uplink netns ${this.#hosts[host].pid}`, `address add ${address(ROUTER[host])}/28 dev ${host}`, `link set dev ${host} up`]);
    await this.#router.ip([`address add ${address(ROUTER.rest)}/28 dev rest`, "link set dev rest up", ...links]);
    await this.#router.forward();
    await Promise.all(HOSTS.map((host) => this.#hosts[host].ip(["link set dev lo up", `address add ${this.places[host]}/28 dev uplink`, "link set dev uplink up", `route add default via ${address(ROUTER[host])}`])));
    await this.#router.filter([]);
  }
}

/** @param ports what is asked there. */
function dropsOf(asker: string, asked: string, ports: readonly number[], way: Way): readonly string[] {
  if (way === "both") return [`-A FORWARD -s ${asker} -d ${asked} -j DROP`, `-A FORWARD -s ${asked} -d ${asker} -j DROP`];
  return ports.map((port) => (way === "requests" ? `-A FORWARD -s ${asker} -d ${asked} -p tcp --dport ${port} -j DROP` : `-A FORWARD -s ${asked} -d ${asker} -p tcp --sport ${port} -j DROP`));
}

type Subnet = { address(last: number): string; giveBack(): Promise<void> };

/** The interface's name says which one is taken: there can be only one of a name, so two runs at once never get the same. */
async function takeSubnet(router: Namespace): Promise<Subnet> {
  let refused: unknown = null;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const number = (process.pid * 7 + attempt) % SUBNETS;
    const name = `shopkeeper-${number}`;
    const address = (last: number): string => `198.${18 + Math.floor(number / 256)}.${number % 256}.${last}`;
    if ((await ipHere([`route show root ${address(0)}/24`])).trim() !== "") continue;
    try {
      await ipHere([`link add name ${name} type veth peer name rest netns ${router.pid}`]);
    } catch (error) {
      refused = error;
      continue;
    }
    const giveBack = async (): Promise<void> => void (await ipHere([`link delete dev ${name}`]));
    try {
      // The first is the one that questions come from where nothing else is said.
      await ipHere([...HERE.map((place) => `address add ${address(LAST[place])}/28 dev ${name}`), `link set dev ${name} up`, `route add ${address(0)}/24 via ${address(ROUTER.rest)}`]);
    } catch (error) {
      await giveBack();
      throw error;
    }
    return { address, giveBack };
  }
  throw refused instanceof Error ? refused : new Error("no subnet of 198.18.0.0/15 is free");
}
