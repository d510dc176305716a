/**
 * client-node's configuration with one connection pool.
 *
 * The client makes a pool, and with it a TLS connection, for every call whose server has its own certificate
 * authority, which in a cluster is every call. Here the pool stays while the certificates do; tokens and
 * certificates are still read by the client at each call, so that their rotation goes on working.
 */
import type { RequestContext } from "@kubernetes/client-node";
import type * as https from "node:https";
import type { buildConnector, Dispatcher } from "undici";
import { Agent, KubeConfig, ProxyAgent } from "./sdk.ts";

/** Watches keep one each; calls share the rest. */
const MAX_CONNECTIONS = 16;

type Pool = { readonly key: string; readonly dispatcher: Dispatcher };

export class PooledConfig extends KubeConfig {
  #pool: Pool | null = null;

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    if (this.getCurrentCluster()?.proxyUrl?.startsWith("socks") === true) return super.applySecurityAuthentication(context);
    const options: https.RequestOptions = {};
    await this.applyToHTTPSOptions(options);
    if (typeof options.auth === "string") context.setHeaderParam("Authorization", `Basic ${Buffer.from(options.auth).toString("base64")}`);
    for (const [name, value] of Object.entries(options.headers ?? {})) context.setHeaderParam(name, String(value));
    context.setDispatcher(this.#dispatcherFor(options));
  }

  /** Breaks off what is under way. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = null;
    await pool?.dispatcher.destroy();
  }

  #dispatcherFor(tls: https.RequestOptions): Dispatcher {
    const key = [tls.ca, tls.cert, tls.key, tls.pfx, tls.passphrase, tls.servername, tls.rejectUnauthorized].map(String).join("\0");
    if (this.#pool?.key === key) return this.#pool.dispatcher;
    // What runs on the old certificates may end on them.
    void this.#pool?.dispatcher.close().catch(() => {});
    this.#pool = { key, dispatcher: this.#createPool(tls) };
    return this.#pool.dispatcher;
  }

  #createPool(tls: https.RequestOptions): Dispatcher {
    const wanted = this.createDispatcherOptions(this.getCurrentCluster(), tls as https.AgentOptions);
    // HTTP/1.1: a call that is broken off ends its own connection and nobody else's.
    const limits = { connections: MAX_CONNECTIONS, allowH2: false, bodyTimeout: 0 };
    switch (wanted.type) {
      case "proxy":
        return new ProxyAgent({ ...limits, uri: wanted.uri, requestTls: wanted.requestTls as buildConnector.BuildOptions });
      case "agent":
        return new Agent({ ...limits, connect: { ...wanted.connect, allowH2: false } as buildConnector.BuildOptions });
      case "socks":
      case "none":
        return new Agent(limits);
    }
  }
}
