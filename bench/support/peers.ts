/**
 * The named peers, each as small a process of its own as it runs: one worker or
 * thread, loopback, no access log, everything below one temporary folder.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, provideServers } from "../../test/support/provide-servers.ts";
import { freePort, listening, start, type Running } from "./processes.ts";

export type Peer = { readonly kind: "running"; readonly port: number; readonly pid: number; stop(): Promise<void> } | { readonly kind: "missing"; readonly why: string; stop(): void };

export type PeerName = "nginx" | "haproxy" | "varnishd" | "prometheus-blackbox-exporter";

/** Starts a peer, installing it first where that is allowed. One that cannot be had is said, never an error. */
async function peer(name: PeerName, port: number, launch: (program: string) => Running): Promise<Peer> {
  const { missing } = await provideServers([name]);
  const program = findProgram(name);
  if (program === null) return { kind: "missing", why: `${name} cannot be had: ${missing[0]?.why ?? "not installed"}`, stop: () => {} };
  const running = launch(program);
  await listening(port);
  return { kind: "running", port, pid: running.pid, stop: () => running.stop() };
}

/** nginx as proxy, without and with its cache; both in one process, on two ports. */
export async function startNginx(folder: string, upstream: number): Promise<{ readonly proxy: Peer; readonly cachePort: number }> {
  const port = await freePort();
  const cachePort = await freePort();
  const home = join(folder, "nginx");
  mkdirSync(home, { recursive: true });
  const config = join(home, "nginx.conf");
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${home}/${kind};`).join("\n  ");
  writeFileSync(
    config,
    `worker_processes 1;
daemon off;
pid ${home}/nginx.pid;
error_log ${home}/error.log;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 2048; }
http {
  access_log off;
  ${paths}
  keepalive_requests 1000000;
  sendfile on;
  tcp_nopush on;
  proxy_cache_path ${home}/cache keys_zone=pages:10m max_size=64m use_temp_path=off;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  upstream app { server 127.0.0.1:${upstream}; keepalive 256; keepalive_requests 1000000; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://app; } }
  server { listen 127.0.0.1:${cachePort}; location / { proxy_pass http://app; proxy_cache pages; proxy_cache_valid 200 1h; } }
}
`,
  );
  const proxy = await peer("nginx", port, (program) => start(program, ["-c", config, "-p", home, "-e", join(home, "error.log")]));
  return { proxy, cachePort };
}

/** HAProxy with its cache in front of one application. */
export async function startHaproxyCache(folder: string, upstream: number): Promise<Peer> {
  const port = await freePort();
  const config = haproxyConfig(folder, "cache", `cache pages
  total-max-size 64
  max-object-size 100000
  max-age 3600
frontend buyers
  bind 127.0.0.1:${port}
  http-request cache-use pages
  http-response cache-store pages
  default_backend app
backend app
  server app 127.0.0.1:${upstream}
`);
  return peer("haproxy", port, (program) => start(program, ["-db", "-f", config]));
}

/** HAProxy watching the application as its manual recommends for fast detection, with a backup server in the place of copies. */
export async function startHaproxyFailover(folder: string, upstream: number, backup: number): Promise<Peer> {
  const port = await freePort();
  const config = haproxyConfig(folder, "failover", `frontend buyers
  bind 127.0.0.1:${port}
  default_backend app
backend app
  option httpchk GET /health
  http-check expect status 200
  server app 127.0.0.1:${upstream} check inter 2s fastinter 500ms fall 3 rise 2
  server copies 127.0.0.1:${backup} backup
`);
  return peer("haproxy", port, (program) => start(program, ["-db", "-f", config]));
}

/** HAProxy checking many servers every 10 s. */
export async function startHaproxyChecks(folder: string, addresses: readonly string[], targetPort: number): Promise<Peer> {
  const port = await freePort();
  const servers = addresses.map((address, at) => `  server s${at} ${address}:${targetPort} check inter 10s`).join("\n");
  const config = haproxyConfig(folder, "checks", `frontend buyers
  bind 127.0.0.1:${port}
  default_backend all
backend all
  option httpchk GET /health
  http-check expect status 200
${servers}
`);
  return peer("haproxy", port, (program) => start(program, ["-db", "-f", config]));
}

function haproxyConfig(folder: string, name: string, text: string): string {
  const file = join(folder, `haproxy-${name}.cfg`);
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 4000
  spread-checks 5
defaults
  mode http
  timeout connect 5s
  timeout client 65s
  timeout server 60s
  timeout http-keep-alive 65s
${text}`,
  );
  return file;
}

/** Varnish as a plain user process, copies in memory. */
export async function startVarnish(folder: string, upstream: number): Promise<Peer> {
  const port = await freePort();
  const home = join(folder, "varnish");
  mkdirSync(home, { recursive: true });
  const file = join(folder, "default.vcl");
  writeFileSync(
    file,
    `vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "${upstream}"; }
`,
  );
  // Without jails it runs as whoever starts it; the folder is where it maps its log.
  return peer("varnishd", port, (program) => start(program, ["-F", "-j", "none", "-n", home, "-a", `127.0.0.1:${port}`, "-f", file, "-s", "malloc,64m", "-T", "none", "-p", "thread_pools=1"]));
}

/** blackbox_exporter with a module that does what our check does: GET, 200, 5 s. */
export async function startBlackbox(folder: string): Promise<Peer> {
  const port = await freePort();
  const file = join(folder, "blackbox.yml");
  writeFileSync(
    file,
    `modules:
  http_2xx:
    prober: http
    timeout: 5s
    http:
      valid_status_codes: [200]
      preferred_ip_protocol: ip4
`,
  );
  return peer("prometheus-blackbox-exporter", port, (program) => start(program, [`--config.file=${file}`, `--web.listen-address=127.0.0.1:${port}`, "--log.level=error"]));
}
