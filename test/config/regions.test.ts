/** Regions in the configuration: what is taken as it is meant, and what is refused at its place. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { load } from "./harness.ts";

const SECRET = "3f1c9ad0b7e24c55a1e88f0d62b94c73";
const HOME = `
site: shop
role: standalone
region: eu
targets: { app: { url: "http://127.0.0.1:3000" } }
listeners: { public: "0.0.0.0:9472" }
regions:
  eu: { origin: "https://eu.shop.example.com", daemon: "https://guard.eu.example.com/", floor: 2 }
  us: { origin: "https://us.shop.example.com", daemon: "https://guard.us.example.com" }
witnesses:
  home: { daemon: "https://home.example.net" }
alerts: { on_call: { url: "https://pager.example.net/shop" } }
failover:
  secret: \${REGION_SECRET}
  cloudflare:
    zone: 023e105f4ecef8ad9ca31a8372d0c353
    token: \${CLOUDFLARE_TOKEN}
    records:
      - { name: shop.example.com, type: A, to: { eu: 203.0.113.7, us: 198.51.100.9 } }
`;
const ENV = { REGION_SECRET: SECRET, CLOUDFLARE_TOKEN: "token-of-cloudflare" };

const SHADOW = "    shadow: { name: drill.shop.example.com, type: A, to: { eu: 203.0.113.7, us: 198.51.100.9 } }\n";

async function warnings(text: string): Promise<readonly string[]> {
  const loaded = await load({ "shopkeeper.yaml": text }, ENV);
  if (!loaded.ok) throw new Error(loaded.errors.map(({ message }) => message).join("; "));
  return loaded.warnings.map(({ path, message }) => `${path}: ${message}`);
}

async function errors(text: string, env: Readonly<Record<string, string>> = ENV): Promise<readonly string[]> {
  const loaded = await load({ "shopkeeper.yaml": text }, env);
  return loaded.ok ? [] : loaded.errors.map(({ path, message, nearest }) => `${path}: ${message}${nearest === null ? "" : ` (${nearest}?)`}`);
}

/** One place of the file written otherwise. */
function but(written: string, instead: string): string {
  if (!HOME.includes(written)) throw new Error(`the file has no ${written}`);
  return HOME.replace(written, instead);
}

describe("regions of a shop", () => {
  test("are taken in the order of the file, the first preferred, with the shipped times", async () => {
    const loaded = await load({ "shopkeeper.yaml": HOME }, ENV);
    expect(loaded.ok && loaded.config.regions).toMatchObject({
      here: "eu", me: "eu", page: "/", expect: 200,
      plan: { site: "shop", regions: [{ name: "eu", floor: 2 }, { name: "us", floor: 1 }], witnesses: ["home"], rules: { quorum: 2, fall: 3, lookEvery: 2_000, lookDeadline: 1_000, block: 3_600_000, failbackAfter: 900_000 } },
      places: [{ name: "eu", origin: "https://eu.shop.example.com", daemon: "https://guard.eu.example.com" }, { name: "us" }],
      provider: { kind: "cloudflare_dns", account: null, api: "https://api.cloudflare.com/client/v4", shadow: null, records: [{ name: "shop.example.com", type: "A", proxied: true, ttl: 1, values: { eu: "203.0.113.7", us: "198.51.100.9" } }] },
    });
  });

  test("are none where nothing is said of them", async () => {
    const loaded = await load({ "shopkeeper.yaml": 'site: shop\ntargets: { app: { url: "http://127.0.0.1:3000" } }\n' }, {});
    expect(loaded.ok && [loaded.config.regions, loaded.config.listeners.public]).toEqual([null, null]);
  });

  test("a witness needs neither targets nor a provider", async () => {
    const [before = "", provider = ""] = HOME.split("  cloudflare:");
    expect(provider).toContain("records");
    const text = before.replace("role: standalone\nregion: eu\n", "role: witness\nwitness: home\n").replace(/^targets.*\n/m, "");
    const loaded = await load({ "shopkeeper.yaml": text }, ENV);
    expect(loaded.ok && loaded.config.regions).toMatchObject({ here: null, me: "home", provider: null });
  });

  test("by a load balancer's pools, and by Route 53", async () => {
    const [before = ""] = HOME.split("  cloudflare:");
    const id = (digit: string): string => digit.repeat(32);
    const pools = await load({ "shopkeeper.yaml": `${before}  cloudflare_pools:\n    zone: "${id("a")}"\n    account: "${id("b")}"\n    token: \${CLOUDFLARE_TOKEN}\n    load_balancers: [{ name: shop.example.com, id: "${id("c")}", by: { flag: eu }, pools: { eu: "${id("d")}", us: "${id("e")}" } }]\n` }, ENV);
    expect(pools.ok && pools.config.regions?.provider).toMatchObject({ kind: "cloudflare_pools", balancers: [{ by: { kind: "flag", region: "eu" } }] });
    const route53 = await load({ "shopkeeper.yaml": `${before}  route53: { zone: Z0123456789ABC, records: [{ name: shop.example.com, type: CNAME, to: { eu: eu.lb.example.com, us: us.lb.example.com } }] }\n` }, ENV);
    expect(route53.ok && route53.config.regions?.provider).toMatchObject({ kind: "route53", credentials: null, api: null, records: [{ ttl: 60, proxied: false }] });
  });
});

describe("the policy that leads buyers elsewhere", () => {
  const POLICY = "name: failover\ntrigger: region primary is unhealthy\naction: failover_dns\n";
  const written = async (policy: string, more: Readonly<Record<string, string>> = {}): Promise<readonly string[]> => {
    const loaded = await load({ "shopkeeper.yaml": HOME, "policies/failover.yaml": policy, ...more }, ENV);
    return loaded.ok ? [] : loaded.errors.map(({ path, message, expected }) => `${path}: ${message}; ${expected}`);
  };

  test("obeys the windows that it names, and knows its aim", async () => {
    const loaded = await load({ "shopkeeper.yaml": `${HOME}windows: { night: { from: "02:00", to: "04:00" }, noon: { from: "12:00", to: "13:00" } }\n`, "policies/failover.yaml": `${POLICY}windows: [noon]\nparams: { rto: 90s }\n` }, ENV);
    expect(loaded.ok && loaded.config.policies.find(({ name }) => name === "failover")).toMatchObject({ windows: [{ name: "noon" }], params: { to: "secondary", rto: 90_000 } });
  });

  test.each([
    ["a check", POLICY.replace("region primary is unhealthy", "application fails 3 consecutive times"), "trigger: observers decide by votes when the region that buyers are led to is left, and nothing else is asked; \"region primary is unhealthy\""],
    ["another region", POLICY.replace("primary", "us"), "trigger: observers decide by votes when the region that buyers are led to is left, and nothing else is asked; \"region primary is unhealthy\""],
    ["a cooldown", `${POLICY}cooldown: 5m\n`, 'cooldown: "cooldown" has no meaning for failover_dns; failover.between in shopkeeper.yaml, the least time between two failovers'],
    ["an escalation", `${POLICY}escalation: { after: 3 failed restarts, alert: on_call }\n`, 'escalation: "escalation" has no meaning for failover_dns; no escalation: a failover that cannot be made calls a person by the first alert route of severity page'],
    ["a region of its choice", `${POLICY}params: { to: us }\n`, "params.to: "],
    ["a parameter that nothing reads", `${POLICY}params: { within: 60s }\n`, 'params.within: '],
  ])("says nothing in vain: %s", async (_what, policy, expected) => {
    expect((await written(policy)).map((one) => one.slice(0, expected.length))).toEqual([expected]);
  });

  test("the preferred region's own name is as good as primary", async () => {
    expect(await written(POLICY.replace("primary", "eu"))).toEqual([]);
  });

  test("is missed where there is none", async () => {
    const loaded = await load({ "shopkeeper.yaml": `${HOME}disabled: [failover]\n` }, ENV);
    expect(loaded.warnings.filter(({ path }) => path === "failover").map(({ message }) => message)).toEqual(["no policy has the action failover_dns, so only a person's order leads buyers elsewhere"]);
  });

  test("is one", async () => {
    const [problem] = await written(POLICY, { "policies/second.yaml": POLICY.replace("name: failover", "name: second") });
    expect(problem).toMatch(/^action: the policy "failover" in .*failover.yaml leads buyers elsewhere already; one policy with failover_dns/);
  });
});

test("the example of the docs is valid as it stands, its secrets aside", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/regions.md"), "utf8");
  const example = /```yaml\n([^]*?)```/.exec(page)?.[1] ?? "";
  const text = example.replace("file:/run/secrets/shopkeeper-regions/region", "${REGION_SECRET}").replace("file:/run/secrets/shopkeeper-regions/provider", "${CLOUDFLARE_TOKEN}").replace("file:/run/secrets/shopkeeper/operator", "${OPERATOR}");
  const loaded = await load({ "shopkeeper.yaml": text }, { ...ENV, ALERT_URL: "https://alerts.example.net", OPERATOR: "token-of-ada" });
  expect(loaded.ok ? [] : loaded.errors).toEqual([]);
  expect(loaded.ok && loaded.config.regions).toMatchObject({ here: "us", plan: { regions: [{ name: "eu" }, { name: "us" }] }, provider: { shadow: { name: "drill.shop.example.com" } } });
  expect(loaded.ok && loaded.config.policies.find(({ action }) => action === "failover_dns")).toMatchObject({ mode: "act", unavailable: null });
});

test("so is its witness", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/regions.md"), "utf8");
  const witness = /```yaml\n(site: my-shop\nrole: witness\n[^]*?)```/.exec(page)?.[1] ?? "";
  const loaded = await load({ "shopkeeper.yaml": witness.replace("file:/run/secrets/shopkeeper-regions/region", '"${REGION_SECRET}"') }, ENV);
  expect(loaded.ok ? [] : loaded.errors).toEqual([]);
  expect(loaded.ok && loaded.config.regions).toMatchObject({ me: "home", here: null });
});

describe("regions that cannot work are refused at their place", () => {
  test.each<[string, string, readonly string[]]>([
    ["two regions alone", but("witnesses:\n  home: { daemon: \"https://home.example.net\" }\n", ""), ["failover: quorum 2 would need the preferred region's own vote: 1 observer watches it from outside"]],
    ["a quorum of all", but("failover:\n", "failover:\n  quorum: 3\n"), ["failover.quorum: quorum 3 would need the preferred region's own vote: 2 observers watch it from outside"]],
    ["one region", but("  us: { origin: \"https://us.shop.example.com\", daemon: \"https://guard.us.example.com\" }\n", "").replace(", us: 198.51.100.9", ""), ["regions: there must be 2 to 8 regions"]],
    ["a region that is none", but("region: eu", "region: ue"), ['region: no region is called "ue" (eu?)']],
    ["no region", but("region: eu\n", ""), ['failover: the key "region" is missing: which of the regions this daemon is in']],
    ["a sidecar", but("role: standalone", "role: sidecar"), ["failover: a sidecar sees its own pod and leads nobody to another region"]],
    ["a witness with a token", but("role: standalone\nregion: eu\n", "role: witness\nwitness: home\n"), ["failover.cloudflare: a witness leads nobody, and needs no credentials of a provider"]],
    ["nobody may ask it", but("listeners: { public: \"0.0.0.0:9472\" }\n", ""), ["failover: the public listener is off, and on it regions and witnesses answer each other"]],
    ["an origin that flips", but("https://us.shop.example.com", "https://shop.example.com"), ["regions.us.origin: shop.example.com is a name that failover changes, so it would show whichever region holds it"]],
    ["one origin for two", but("https://us.shop.example.com", "https://eu.shop.example.com"), ['regions.us.origin: region "eu" has this origin already']],
    ["a region that nothing leads to", but(", us: 198.51.100.9", ""), ['failover.cloudflare.records[0].to: nothing says what leads to region "us"']],
    ["a value of nobody", but("us: 198.51.100.9", "us: 198.51.100.9, ap: 192.0.2.1"), ['failover.cloudflare.records[0].to.ap: no region is called "ap"']],
    ["one value for two", but("us: 198.51.100.9", "us: 203.0.113.7"), ['failover.cloudflare.records[0].to.us: it leads to region "eu" already, so nobody could tell where buyers are led']],
    ["an address of another kind", but("us: 198.51.100.9", 'us: "2001:db8::7"'), ['failover.cloudflare.records[0].to.us: "2001:db8::7" is nothing that a record of type A holds']],
    ["a TTL of a proxied record", but("type: A,", "type: A, ttl: 60,"), ["failover.cloudflare.records[0].ttl: a proxied record has no TTL of its own"]],
    ["a TTL that only Enterprise takes", but("type: A,", "type: A, proxied: false, ttl: 30,"), ["failover.cloudflare.records[0].ttl: Cloudflare takes a TTL of 30 s only on Enterprise zones"]],
    ["a rehearsal on the shop's own record", `${HOME}    shadow: { name: shop.example.com, type: A, to: { eu: 203.0.113.7, us: 198.51.100.9 } }\n`, ["failover.cloudflare.shadow: this is one of the shop's own entries, and a rehearsal on it would lead buyers"]],
    ["an origin that rehearsals change", but("https://us.shop.example.com", "https://drill.shop.example.com") + SHADOW, ["regions.us.origin: drill.shop.example.com is the shadow's name, which every rehearsal changes"]],
    ["a daemon at a name that flips", but("https://guard.us.example.com", "https://shop.example.com:9472"), ["regions.us.daemon: shop.example.com:9472 is a name that failover changes, so whichever region holds it would answer"]],
    ["a witness at the shadow's name", but("https://home.example.net", "https://drill.shop.example.com") + SHADOW, ["witnesses.home.daemon: drill.shop.example.com is the shadow's name, which every rehearsal changes"]],
    ["an origin with a query", but("https://us.shop.example.com", "https://us.shop.example.com/?a=b#c"), ["regions.us.origin: the URL has a query and a fragment, and the path that is asked is put behind it"]],
    ["an origin with a path", but("https://us.shop.example.com", "https://us.shop.example.com/en/"), ['regions.us.origin: the path "/en/" stands in the URL, and would stand before every page that is asked']],
    ["a daemon with a query", but("https://guard.us.example.com", "https://guard.us.example.com/guard?"), ["regions.us.daemon: the URL has a query, and the path that is asked is put behind it"]],
    ["a preferred region called secondary", HOME.replaceAll("eu:", "secondary:").replace("region: eu", "region: secondary"), ['regions.secondary: triggers mean the region that stands second by "secondary", and this one stands elsewhere']],
    ["a gateway that does not answer at this region's origin", `${HOME}gateway: { hosts: [shop.example.com] }\n`, ["gateway.hosts: the gateway answers 421 at eu.shop.example.com, so this region would count as down"]],
    ["a gateway that does not answer at the origin's port", but("https://eu.shop.example.com", "https://eu.shop.example.com:8443") + "gateway: { hosts: [eu.shop.example.com] }\n", ["gateway.hosts: the gateway answers 421 at eu.shop.example.com:8443, so this region would count as down"]],
    ["one daemon for two", but("https://guard.us.example.com", "https://guard.eu.example.com/"), ['regions.us.daemon: "eu" is asked there already, and would answer under its own name alone']],
    ["two providers", `${HOME}  route53: { zone: Z0123456789ABC, records: [{ name: shop.example.com, type: A, to: { eu: 203.0.113.7, us: 198.51.100.9 } }] }\n`, ["failover.route53: cloudflare is steered already, and two would contradict each other"]],
    ["no provider", HOME.split("  cloudflare:")[0] ?? "", ["failover: nothing says where the shop's names stand"]],
    ["a look longer than the pause between two", but("failover:\n", "failover:\n  look_deadline: 3s\n"), ["failover.look_deadline: a look that may take 3s would meet the next one, 2s after it"]],
    ["looks too near to each other", but("failover:\n", "failover:\n  look_every: 500ms\n"), ["failover.look_every: a look that may take 1s would meet the next one, 500ms after it"]],
    ["no regions", HOME.replace(/^regions:\n.*\n.*\n/m, ""), ['failover: the key "regions" is missing']],
    ["a witness that nobody asks", (but("role: standalone\nregion: eu\n", "role: witness\nwitness: home\n").split("  cloudflare:")[0] ?? "").replace(/^witnesses:\n.*\n/m, "  ap: { origin: \"https://ap.shop.example.com\", daemon: \"https://guard.ap.example.com\" }\n"), ['witness: no witness is called "home": none are configured']],
    ["a site's name too long for a mark", but("site: shop", "site: a-shop-with-a-very-long-name"), ['site: "a-shop-with-a-very-long-name" has 28 characters, and stands in the mark beside each record']],
  ])("%s", async (_what, text, expected) => {
    expect(await errors(text)).toEqual(expected);
  });

  test("a region's name too long for a mark", async () => {
    const found = await errors(but("  us: {", "  united-states-of-america-east: {").replace("us: 198", "united-states-of-america-east: 198"));
    expect(found.map((one) => one.split(":")[0])).toContain("regions.united-states-of-america-east");
  });

  test("a daemon that asks no reference host is warned of", async () => {
    const loaded = await load({ "shopkeeper.yaml": `${HOME}connectivity: []\n` }, ENV);
    expect(loaded.ok && loaded.warnings.map(({ path, message }) => `${path}: ${message}`)).toContainEqual("connectivity: no reference host is asked, so a daemon whose own network is gone sees every region down, and votes so");
  });

  test.each([
    ["the origin's host, in any case", "https://eu.shop.example.com", "[shop.example.com, EU.shop.example.com]"],
    ["the scheme's own port, which nobody sends", "https://eu.shop.example.com:443", "[eu.shop.example.com]"],
    ["any host", "https://eu.shop.example.com", "[]"],
  ])("a gateway may answer at %s", async (_what, origin, hosts) => {
    expect(await errors(but("https://eu.shop.example.com", origin) + `gateway: { hosts: ${hosts} }\n`)).toEqual([]);
  });

  test("regions may be called what triggers call them, in that order", async () => {
    expect(await errors(HOME.replaceAll("eu:", "primary:").replaceAll("us:", "secondary:").replace("region: eu", "region: primary"))).toEqual([]);
  });

  test("a password in a URL is refused, and not shown with its line", async () => {
    const loaded = await load({ "shopkeeper.yaml": but("https://us.shop.example.com", "https://me:hunter2@us.shop.example.com/x?y") }, ENV);
    expect(loaded.ok ? [] : loaded.errors.map(({ code, path }) => [code, path])).toEqual([["SECRET_INLINE", "regions.us.origin"]]);
    expect(JSON.stringify(loaded)).not.toContain("hunter2");
  });

  test("what leaves a failover without a person, or without a rehearsal, is warned of", async () => {
    const unheard = "failover: nobody is called when a failover is held or fails: no alert route has the severity page";
    const unproven = "failover.cloudflare: there is no shadow, so no failover can be rehearsed, and rights are proven on the shop's own entries";
    expect(await warnings(HOME)).toContain(unproven);
    expect((await warnings(HOME + SHADOW)).filter((one) => one === unheard || one === unproven)).toEqual([]);
    expect(await warnings(but("alerts: { on_call: { url:", "alerts: { on_call: { severity: notify, url:"))).toContain(unheard);
  });

  test("a witness is told that its targets are not watched, and not that it calls nobody", async () => {
    const [before = ""] = HOME.split("  cloudflare:");
    const found = await warnings(before.replace("role: standalone\nregion: eu\n", "role: witness\nwitness: home\n").replace(/^alerts.*\n/m, ""));
    expect(found.filter((one) => /^(targets|failover)/.test(one))).toEqual(["targets: a witness looks at regions alone, and these targets are not watched"]);
  });

  test.each([
    ["failback", but("failover:\n", "failover:\n  failback: never\n"), '"manual", or a duration, for example "10s", "250ms", "1h30m"'],
    ["failback", but("failover:\n", "failover:\n  failback: 5s\n"), '"manual", or a duration of at least 1m'],
    ["cloudflare.zone", but("023e105f4ecef8ad9ca31a8372d0c353", "example.com"), "the zone's id, 32 hexadecimal digits"],
    ["cloudflare.zone", but("    zone: 023e105f4ecef8ad9ca31a8372d0c353\n", ""), "the zone's id, 32 hexadecimal digits"],
    ["cloudflare.account", but("    token:", "    account: me\n    token:"), "the account's id, 32 hexadecimal digits"],
  ])("failover.%s says what was expected", async (path, text, expected) => {
    const loaded = await load({ "shopkeeper.yaml": text }, ENV);
    expect(loaded.ok ? [] : loaded.errors.map((one) => [one.path, one.expected])).toEqual([[`failover.${path}`, expected]]);
  });

  test("a witness is not told of policies, which it carries out none of", async () => {
    const [before = ""] = HOME.split("  cloudflare:");
    const loaded = await load({ "shopkeeper.yaml": before.replace("role: standalone\nregion: eu\n", "role: witness\nwitness: home\n").replace(/^(targets|alerts).*\n/gm, "") }, ENV);
    expect([loaded.ok, loaded.warnings]).toEqual([true, []]);
  });

  test("a secret that is too short is refused with its length, and never shown", async () => {
    const found = await errors(HOME, { ...ENV, REGION_SECRET: "hunter2" });
    expect(found).toEqual(["failover.secret: the secret has 7 characters, too few to sign votes with"]);
  });

  test("regions without failover, and a witness of nothing", async () => {
    const [before = ""] = HOME.split("failover:");
    expect(await errors(before)).toEqual(['regions: "regions" says who is watched, and the key "failover" is missing', 'witnesses: "witnesses" says who is watched, and the key "failover" is missing']);
    expect(await errors("site: shop\nrole: witness\n")).toEqual(["role: a witness watches regions, and none are configured"]);
  });
});
