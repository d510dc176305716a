/**
 * `shopkeeper.yaml` as a schema. Every key has a description; defaults stand in `.prefault`.
 */
import * as z from "zod";
import { clusterSchema, podsSchema } from "./cluster-schema.ts";
import { gatewaySchema } from "./gateway-schema.ts";
import { byRegion, failoverSchema, regionName, regionSchema, witnessSchema } from "./regions-schema.ts";
import { duration, envValue, hostPort, httpUrl, httpUrlOrSecret, listen, percent, redisUrlOrSecret, secret, size, slug, text } from "./values.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
/** What a slow disk (100 MB/s) reads in the 30 s that opening the file may take, with room to spare. */
const MAX_LEDGER_BYTES = 2_000_000_000;

/** A map by name; the names are slugs. */
export function named<T extends z.ZodType>(entry: T) {
  return z.record(z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/, { error: 'expected a name of lower-case letters, digits, "_" or "-", starting with a letter' }), entry);
}

const supervised = z
  .strictObject({
    command: z.array(z.string().min(1)).min(1).describe("Argument vector; no shell."),
    cwd: z.string().prefault(".").describe("Working folder, against the folder of shopkeeper.yaml."),
    env: z.record(z.string(), envValue()).prefault({}).describe("Added to a minimal environment."),
    log_file: z.string().optional().describe("Its output goes here, rotated; absent: ours."),
    stop_grace: duration({ min: 100, max: 2 * MINUTE }).prefault("10s").describe("From SIGTERM to SIGKILL."),
    on_exit: z.enum(["leave", "stop"]).prefault("leave").describe("When Shopkeeper ends: leave it running to be adopted, or stop it."),
  })
  .describe("Started and watched by Shopkeeper.");

const target = z.strictObject({
  url: httpUrl().optional().describe("Base URL of the application; of pods: of their Service, default http://SERVICE."),
  kubernetes: podsSchema.optional(),
  workload: slug().optional().describe("Replicas share one; default: the target's own name."),
  zone: z.string().min(1).optional().describe("Availability zone."),
  region: slug().optional().describe("Region; triggers may name it."),
  process: supervised.optional(),
  unit: z.string().regex(/^[\w@.:-]+$/, { error: 'expected a systemd unit, for example "storefront.service"' }).optional().describe("A systemd unit; instead of process."),
  cgroup: z.string().regex(/^\//, { error: 'expected a folder under "/sys/fs/cgroup"' }).optional().describe("cgroup v2 folder whose memory and CPU are this target's."),
  pulse: z.boolean().optional().describe("Watch for death and freezing between checks; default: on for a process, unit or local URL."),
  startup_grace: duration({ max: 60 * MINUTE }).prefault("30s").describe("Restarts are not counted against it for this long after a start."),
});

const storefront = z.strictObject({
  origin: httpUrl().describe('"https://shop.myshopify.com", or a gateway or simulator.'),
  api_version: z.string().regex(/^(\d{4}-\d{2}|unstable)$/, { error: 'expected a version of the API, for example "2026-04"' }).prefault("2026-04").describe("Version asked for."),
  public_token: secret().optional().describe("Storefront API public access token, by reference."),
  private_token: secret().optional().describe("Storefront API private access token, by reference."),
});

const clockTime = text('a time of day, for example "02:30"', (written, wrong) => {
  const found = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(written);
  return found === null ? wrong(`${JSON.stringify(written)} is not a time of day`) : Number(found[1]) * 60 + Number(found[2]);
});

const serviceName = text('a name of the cluster\'s DNS, for example "storefront-peers"', (written, wrong) =>
  /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(written) ? written : wrong(`${JSON.stringify(written)} is no name of the DNS`),
);

/** Weekdays in the order of their numbers. */
export const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

const timeZone = text('an IANA time zone, for example "Europe/Berlin"', (written, wrong) => {
  // The default needs no tables of the world's zones, which take a start 17 ms to load.
  if (written === "UTC") return written;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: written }).resolvedOptions().timeZone;
  } catch {
    return wrong(`${JSON.stringify(written)} is not a time zone`);
  }
});

const maintenanceWindow = z.strictObject({
  days: z.array(z.enum(DAYS)).prefault([]).describe("Empty: every day."),
  from: clockTime.describe("Time of day, \"02:00\"."),
  to: clockTime.describe("At or before `from`: over midnight."),
  time_zone: timeZone.optional().describe("Default: the site's."),
});

const alertRoute = z.strictObject({
  severity: z.enum(["page", "notify", "info"]).prefault("page").describe("Alerts of this severity that no policy sends elsewhere go to the first route that has it."),
  url: httpUrlOrSecret().describe("CloudEvents receiver."),
  signing_key: secret().optional().describe("HMAC key of the signature header; absent: unsigned."),
});

const share = (fallback: string) => percent({ min: 1, max: 100 }).prefault(fallback);

const guards = z.strictObject({
  evidence: duration().prefault("10s").describe("No good page through the gateway for this long before a restart."),
  kubelet: duration().prefault("60s").describe("The kubelet has this long to restart a pod that refuses or is silent, before we replace it."),
  blast_radius: share("20%").describe("Share of a workload in recovery at once; always at least one."),
  storm_targets: z.int().min(2).prefault(4).describe("Shared cause: of at least this many targets…"),
  storm_share: share("50%").describe("… at least this share fails the same check."),
  storm_calm: duration().prefault("120s").describe("Calm needed to leave a storm."),
  throttled: duration().prefault("10m").describe("While a dependency throttles our looks, a restart is held; a person is called after this long."),
  relapse: duration().prefault("1h").describe("A relapse within this time belongs to the same episode."),
  backoff_from: duration({ min: 100 }).prefault("1s").describe("First back-off of starting an exited process; doubles."),
  backoff_to: duration({ min: 100 }).prefault("60s").describe("Longest back-off."),
  cannot_see_after: z.int().min(1).max(100).prefault(4).describe('Unknown looks in a row that alert as "cannot see".'),
});

/** The whole of `shopkeeper.yaml`. */
export const siteSchema = z.strictObject({
  site: slug().describe("Name of the site, in alerts, metrics and the ledger."),
  role: z.enum(["standalone", "sidecar", "singleton", "witness"]).prefault("standalone").describe("Which parts run here."),
  time_zone: timeZone.prefault("UTC").describe("For windows and CRON triggers."),
  targets: named(target).prefault({}).describe("What is watched and recovered, by name; at least one, but for a witness."),
  storefront: storefront.optional().describe("The shop's Storefront API; absent: its check is inactive."),
  redis: z.strictObject({ url: redisUrlOrSecret().describe("redis:// or rediss:// URL.") }).optional().describe("Absent: its check is inactive."),
  kubernetes: clusterSchema.optional(),
  gateway: gatewaySchema.optional().describe("Serves stored pages while the application is down; absent: no gateway."),
  region: regionName().optional().describe("Which of the regions this daemon is in."),
  witness: regionName().optional().describe("Which of the witnesses this is."),
  regions: byRegion(regionSchema).prefault({}).describe("All regions of the shop, the preferred one first; the same in each."),
  witnesses: byRegion(witnessSchema).prefault({}).describe("Daemons outside every region that watch them and vote."),
  failover: failoverSchema.optional().describe("Leads buyers from a region that is lost to one that is well."),
  disabled: z.array(slug()).prefault([]).describe("Names of shipped checks and policies that are not wanted."),
  armed: z.array(slug()).prefault([]).describe("Names of policies that act, whatever mode their files say: the shipped ones only record at first."),
  listeners: z
    .strictObject({
      health: listen().prefault("0.0.0.0:9470").describe("/health* and /metrics; read-only."),
      admin: z.union([z.literal("off"), listen()]).prefault("127.0.0.1:9471").describe("API and status page."),
      public: z.union([z.literal("off"), listen()]).prefault("off").describe("Votes between regions and witnesses, each signed; nothing else."),
    })
    .prefault({}),
  connectivity: z.array(hostPort()).max(8).prefault(["1.1.1.1:443", "8.8.8.8:443"]).describe("Reference addresses; while none answers, what is beyond the host is unknown. Empty: no guard."),
  stores: z
    .strictObject({
      state: z
        .strictObject({
          kind: z.enum(["sqlite", "memory", "kubernetes", "redis"]).optional().describe("memory: forgotten at exit. kubernetes: in ConfigMaps; redis: the ledger's ring too; both of a singleton. Default: sqlite; of a singleton: kubernetes."),
          file: z.string().min(1).prefault(".shopkeeper/shopkeeper.db").describe("Of sqlite: against the folder of shopkeeper.yaml."),
          url: redisUrlOrSecret().optional().describe("Of redis: redis:// or rediss:// URL of one that never evicts (noeviction), apart from any cache."),
        })
        .prefault({}),
    })
    .prefault({}),
  ledger: z
    .strictObject({
      max_age: duration({ min: DAY / 24 }).prefault("90d").describe("Older entries are dropped."),
      max_size: size({ min: 1_000_000, max: MAX_LEDGER_BYTES }).prefault("256MB").describe("Oldest entries are dropped beyond it; at most 2GB, since the file is checked whole whenever it is opened."),
    })
    .prefault({}),
  alerts: named(alertRoute).prefault({}).describe('Where alerts go, by name; "on_call" is what the shipped policies escalate to.'),
  tokens: named(z.strictObject({ role: z.enum(["viewer", "operator", "approver"]).describe("What its bearer may do."), value: secret().describe("By reference.") })).prefault({}).describe("Who may use the API, by name."),
  peer_token: secret().optional().describe("Shows all of the health listener to a peer, by reference."),
  peers: z
    .strictObject({
      service: serviceName.describe("Headless Service of the workload's pods, the sick ones too (publishNotReadyAddresses)."),
      port: z.int().min(1).max(65_535).prefault(9_470).describe("Where their health listeners answer."),
    })
    .optional()
    .describe("The other pods of this one's workload: asked, while this one is unhealthy, whether the fault is its own or shared. Needs peer_token."),
  windows: named(maintenanceWindow).prefault({}).describe("When destructive actions wait, by name."),
  budget: z.strictObject({ actions_per_minute: z.int().min(1).max(60).prefault(10).describe("Per site, whatever the policies say.") }).prefault({}),
  guards: guards.prefault({}),
});

export type SiteInput = z.output<typeof siteSchema>;
