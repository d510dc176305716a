/**
 * Each region and the witness as a host of its own; this one is everybody else: buyers, the edge, the provider. A way is
 * cut by the packet filter of whichever end is a host of ours, so that what is sent along it is lost, not refused.
 */
import { PLACES, type Asked, type Asker, type Network, type Outside, type Place, type Region, type SitePorts } from "./network.ts";
import { addRules, clearRules, commandWithin, openWire, type Host, type Wire } from "./namespaces.ts";
import { Road, type Address, type Closure } from "./road.ts";

const SHOP = 8080;
const DAEMON = 9472;
const SITE: SitePorts = { app: 3000, gateway: SHOP, admin: 9471 };

export function openHosts(): Network {
  return new Hosts(openWire(PLACES, 2));
}

class Hosts implements Network {
  readonly kind = "hosts";
  readonly addresses: Network["addresses"];
  readonly shopPort = SHOP;
  readonly edge: string;
  readonly ports = { eu: SITE, us: SITE };
  readonly #wire: Wire;
  readonly #buyers: string;
  /** To what stands on this host's loopback alone. */
  #provider: Road | null = null;
  #receiver: Road | null = null;

  constructor(wire: Wire) {
    this.#wire = wire;
    [this.#buyers = "", this.edge = ""] = wire.here;
    this.addresses = { eu: this.host("eu"), us: this.host("us") };
  }

  within(place: Place): readonly string[] {
    return commandWithin(this.#host(place).namespace);
  }

  host(place: Place): string {
    return this.#host(place).address;
  }

  daemonPort(): number {
    return DAEMON;
  }

  async lead({ provider, receiver }: Outside): Promise<void> {
    this.#provider = await Road.open({ host: this.#buyers, port: 0 }, { host: "127.0.0.1", port: provider });
    this.#receiver = await Road.open({ host: this.#buyers, port: 0 }, { host: "127.0.0.1", port: receiver });
  }

  address(_asker: Asker, asked: Asked): Address {
    if (asked === "provider") return { host: this.#buyers, port: this.#provider?.port ?? 0 };
    const [place, what] = asked.split(":") as [Place, "shop" | "daemon"];
    return { host: this.host(place), port: what === "shop" ? SHOP : DAEMON };
  }

  receiver(): Address {
    return { host: this.#buyers, port: this.#receiver?.port ?? 0 };
  }

  close(asker: Asker, asked: Asked, closure: Closure): void {
    const { at, rules } = this.#cut(asker, asked, closure);
    addRules(at, rules);
  }

  cutOff(place: Place): void {
    const console = "-p tcp -m tcp";
    addRules(this.#host(place), [
      `-A INPUT -s ${this.#buyers} ${console} --dport ${SITE.admin} -j ACCEPT`,
      `-A OUTPUT -d ${this.#buyers} ${console} --sport ${SITE.admin} -j ACCEPT`,
      "-A INPUT ! -i lo -j DROP",
      "-A OUTPUT ! -o lo -j DROP",
    ]);
  }

  refuseShop(region: Region): void {
    addRules(this.#host(region), [`-A INPUT -p tcp -m tcp --dport ${SHOP} -j REJECT --reject-with tcp-reset`]);
  }

  mend(): void {
    for (const host of this.#wire.hosts.values()) clearRules(host);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#provider?.stop(), this.#receiver?.stop()]);
    this.#wire.stop();
  }

  #host(place: Place): Host {
    const found = this.#wire.hosts.get(place);
    if (found === undefined) throw new Error(`there is no host of ${place}`);
    return found;
  }

  #addressOf(asker: Asker): string {
    if (asker === "buyers") return this.#buyers;
    return asker === "edge" ? this.edge : this.host(asker);
  }

  /** At the host that is asked; the provider is none, so there at the one that asks. */
  #cut(asker: Asker, asked: Asked, closure: Closure): { readonly at: Host; readonly rules: readonly string[] } {
    const { host, port } = this.address(asker, asked);
    const atAsker = asked === "provider";
    const at = this.#host((atAsker ? asker : asked.split(":")[0]) as Place);
    const other = atAsker ? host : this.#addressOf(asker);
    const requests = `-A ${atAsker ? "OUTPUT -d" : "INPUT -s"} ${other} -p tcp -m tcp --dport ${port}`;
    const answers = `-A ${atAsker ? "INPUT -s" : "OUTPUT -d"} ${other} -p tcp -m tcp --sport ${port} -j DROP`;
    switch (closure) {
      case "silent":
        return { at, rules: [`${requests} -j DROP`, answers] };
      case "requests":
        return { at, rules: [`${requests} -j DROP`] };
      case "answers":
        return { at, rules: [answers] };
      case "refused":
        return { at, rules: [`${requests} -j REJECT --reject-with tcp-reset`] };
    }
  }
}
