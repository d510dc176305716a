/**
 * Our schemas of Cloudflare's operations against the provider's own description, where it stands beside the checkout:
 * what the stand-in answers and what we send is valid there, and what is valid there is understood here.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import fc from "fast-check";
import { request } from "undici";
import { describe, expect, test } from "vitest";
import {
  AUTOMATIC_TTL, envelope, GET_LOAD_BALANCER, GET_POOL, GET_RECORD, LIST_RECORDS, loadBalancerPatch, on, OPERATIONS, PATCH_LOAD_BALANCER, PATCH_POOL, PATCH_RECORD, poolPatch, recordPatch,
  VERIFY_ACCOUNT_TOKEN, VERIFY_USER_TOKEN, type Operation, type Target,
} from "../../../src/adapters/cloudflare/schemas.ts";
import { REFUSALS } from "../../../demo/cloudflare/control.ts";
import { startCloudflare } from "../../../demo/cloudflare/stand-in.ts";
import { accountToken, EDGE } from "../../support/cloudflare-daemons.ts";

const FILE = process.env["CLOUDFLARE_OPENAPI"] ?? fileURLToPath(new URL("../../../../shared/openapi/cloudflare.json", import.meta.url));
const missing = !existsSync(FILE);

type Described = { readonly parameters?: readonly { readonly in: string; readonly name: string }[]; readonly requestBody?: unknown; readonly responses: Readonly<Record<string, unknown>> };

function provider() {
  const description = JSON.parse(readFileSync(FILE, "utf8")) as { readonly paths: Record<string, Record<string, Described>> };
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(description, "cloudflare");
  const pointer = (operation: Operation): string => `cloudflare#/paths/${encodeURIComponent(operation.path.replaceAll("~", "~0").replaceAll("/", "~1"))}/${operation.method.toLowerCase()}`;
  const errors = (ref: string, value: unknown): readonly string[] => {
    const validate = ajv.compile({ $ref: ref });
    return validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ""}`);
  };
  const JSON_BODY = "content/application~1json/schema";
  return {
    described: (operation: Operation): Described | undefined => description.paths[operation.path]?.[operation.method.toLowerCase()],
    requestErrors: (operation: Operation, body: unknown) => errors(`${pointer(operation)}/requestBody/${JSON_BODY}`, body),
    answerErrors: (operation: Operation, body: unknown) => errors(`${pointer(operation)}/responses/200/${JSON_BODY}`, body),
    failureErrors: (body: unknown) => errors(`cloudflare#/components/responses/Failure/${JSON_BODY}`, body),
    limitErrors: (body: unknown) => errors(`cloudflare#/components/responses/TooManyRequests/${JSON_BODY}`, body),
  };
}

/** A stand-in with one of everything, and a way to ask it by hand. */
async function standIn() {
  const tokens = [accountToken("a", { expiresOn: "2027-01-01T00:00:00Z" }), accountToken("u", { kind: "user" }), accountToken("none", { rights: [] })];
  const cloudflare = await startCloudflare({ zoneName: "example.com", plan: "free", edge: EDGE, dns: null, tokens });
  const { world } = cloudflare;
  const record = await world.addRecord({ name: "shop.example.com", type: "A", content: "203.0.113.1", comment: "shopkeeper site=shop region=eu epoch=1 at=1" });
  await world.addRecord({ name: "bare.example.com", type: "CNAME", content: "eu.example.net", proxied: true });
  const pool = world.addPool({ name: "eu", addresses: ["203.0.113.1"] });
  const balancer = await world.addLoadBalancer({ name: "lb.example.com", default_pools: [pool.id] });
  const ask = async ({ operation, path }: Target, body: object | null = null, token = "a"): Promise<{ readonly status: number; readonly body: unknown }> => {
    const value = tokens.find(({ id }) => id === token.padEnd(32, "0"))?.value ?? token;
    const answer = await request(`${cloudflare.url}${path}`, { method: operation.method, headers: { authorization: `Bearer ${value}` }, ...(body === null ? {} : { body: JSON.stringify(body) }) });
    return { status: answer.statusCode, body: await answer.body.json() };
  };
  const targets: readonly (readonly [Target, object | null, string])[] = [
    [on(LIST_RECORDS, [world.zoneId]), null, "a"],
    [on(GET_RECORD, [world.zoneId, record.id]), null, "a"],
    [on(PATCH_RECORD, [world.zoneId, record.id]), { content: "203.0.113.2", comment: "x" }, "a"],
    [on(VERIFY_USER_TOKEN, []), null, "u"],
    [on(VERIFY_ACCOUNT_TOKEN, [world.accountId]), null, "a"],
    [on(GET_POOL, [world.accountId, pool.id]), null, "a"],
    [on(PATCH_POOL, [world.accountId, pool.id]), { enabled: false, description: "x" }, "a"],
    [on(GET_LOAD_BALANCER, [world.zoneId, balancer.id]), null, "a"],
    [on(PATCH_LOAD_BALANCER, [world.zoneId, balancer.id]), { default_pools: [pool.id], description: "x" }, "a"],
  ];
  return { cloudflare, ask, targets, record, [Symbol.asyncDispose]: () => cloudflare.close() };
}

/** Made by hand as the provider's own examples are: only what it requires, and what we read. */
const RECORD = { id: "372e67954025e0ba6aaa6d586b9e0b59", type: "A", name: "shop.example.com", content: "198.51.100.4", proxiable: true, proxied: false, ttl: 60, created_on: "2014-01-01T05:20:00.12345Z", modified_on: "2014-01-01T05:20:00.12345Z", meta: {}, settings: {}, tags: [] };
const POOL = { id: "17b5962d775c646f3f9725cbc7a53df4", name: "primary" };
const BALANCER = { id: "699d98642c564d2e855e9661899b7252", name: "shop.example.com", default_pools: [POOL.id] };
const TOKEN = { id: "ed17574386854bf78a67040be0a770b0", status: "active" };

const success = (result: unknown) => ({ success: true, errors: [], messages: [], result, ...(Array.isArray(result) ? { result_info: { page: 1, per_page: 100, count: 1, total_count: 1 } } : {}) });
const understood = ({ result }: Operation, body: unknown): boolean => {
  const told = envelope.safeParse(body);
  return told.success && result.safeParse(told.data.result).success;
};

describe.skipIf(missing)(`our schemas of Cloudflare's operations${missing ? ` (not run: ${FILE} is not there)` : ""}`, () => {
  test("are of operations and filters that the provider describes; only the check of account-owned tokens is not in its file", () => {
    const { described } = provider();
    expect(OPERATIONS.filter((operation) => described(operation) === undefined)).toEqual([VERIFY_ACCOUNT_TOKEN]);
    const known = (described(LIST_RECORDS)?.parameters ?? []).filter((parameter) => parameter.in === "query").map(({ name }) => name);
    expect(Object.keys(LIST_RECORDS.query?.shape ?? {}).filter((name) => !known.includes(name))).toEqual([]);
  });

  test("what the stand-in answers is valid by both", async () => {
    await using scene = await standIn();
    const { described, answerErrors } = provider();
    for (const [target, body, token] of scene.targets) {
      const answer = await scene.ask(target, body, token);
      expect([answer.status, understood(target.operation, answer.body)], target.path).toEqual([200, true]);
      if (described(target.operation) !== undefined) expect(answerErrors(target.operation, answer.body), target.path).toEqual([]);
    }
    expect(scene.cloudflare.control.problems).toEqual([]);
  });

  test("how the stand-in refuses is valid by both", async () => {
    await using scene = await standIn();
    const { failureErrors, limitErrors } = provider();
    const get = on(GET_RECORD, [scene.cloudflare.world.zoneId, scene.record.id]);
    const patch = on(PATCH_RECORD, [scene.cloudflare.world.zoneId, scene.record.id]);
    const refusals = [
      await scene.ask(get, null, "not-known"),
      await scene.ask(get, null, ""),
      await scene.ask(get, null, "none"),
      await scene.ask(on(GET_RECORD, [scene.cloudflare.world.zoneId, "f".repeat(32)])),
      await scene.ask(on(GET_RECORD, [scene.cloudflare.world.zoneId, "short"])),
      await scene.ask(patch, { content: "not an address" }),
      await scene.ask(patch, { name: "elsewhere.example.com" }),
      await scene.ask(patch, {}),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([403, 400, 403, 404, 400, 400, 400, 400]);
    for (const { body } of refusals) expect([failureErrors(body), envelope.safeParse(body).success]).toEqual([[], true]);
    scene.cloudflare.control.fail("GET", REFUSALS[971]);
    const limited = await scene.ask(get);
    expect([limited.status, limitErrors(limited.body), envelope.safeParse(limited.body).success]).toEqual([429, [], true]);
    expect(limited.body).not.toHaveProperty("result");
  });

  test("what we may send is valid by both", () => {
    const { requestErrors } = provider();
    const text = fc.string({ minLength: 1, maxLength: 100 }).filter((one) => !/[\r\n]/.test(one));
    const patches = fc.record({ content: text, comment: text, ttl: fc.oneof(fc.constant(AUTOMATIC_TTL), fc.integer({ min: 30, max: 86_400 })) }, { requiredKeys: [] }).filter((body) => Object.keys(body).length > 0);
    fc.assert(
      fc.property(patches, (body) => {
        expect([recordPatch.safeParse(body).success, requestErrors(PATCH_RECORD, body)]).toEqual([true, []]);
      }),
      { numRuns: 50 },
    );
    const pools = [{ enabled: true }, { enabled: false, description: "x" }, { description: "x" }, { minimum_origins: 1 }];
    for (const body of pools) expect([poolPatch.safeParse(body).success, requestErrors(PATCH_POOL, body)]).toEqual([true, []]);
    const balancers = [{ default_pools: ["17b5962d775c646f3f9725cbc7a53df4"], description: "x" }, { description: "x" }, { proxied: true }];
    for (const body of balancers) expect([loadBalancerPatch.safeParse(body).success, requestErrors(PATCH_LOAD_BALANCER, body)]).toEqual([true, []]);
  });

  test.each([
    ["nothing", PATCH_RECORD, {}],
    ["an empty content", PATCH_RECORD, { content: "" }],
    ["a TTL of 5 seconds", PATCH_RECORD, { ttl: 5 }],
    ["a comment that is no text", PATCH_RECORD, { comment: 1 }],
    ["a flag that is none", PATCH_POOL, { enabled: "no" }],
    ["pools that are no list", PATCH_LOAD_BALANCER, { default_pools: "eu" }],
  ])("a change to %s is valid by neither", (_what, operation: Operation, body) => {
    expect(operation.body?.safeParse(body).success).toBe(false);
    expect(provider().requestErrors(operation, body)).not.toEqual([]);
  });

  test.each([
    ["a record", GET_RECORD, RECORD],
    ["a record with an empty comment", GET_RECORD, { ...RECORD, comment: null }],
    ["a record with a comment and an automatic TTL", GET_RECORD, { ...RECORD, comment: "x", ttl: 1, proxied: true }],
    ["a record of a type that we never touch", GET_RECORD, { ...RECORD, type: "MX", priority: 10 }],
    ["records", LIST_RECORDS, [RECORD, { ...RECORD, type: "TXT" }]],
    ["no records", LIST_RECORDS, []],
    ["a pool", GET_POOL, POOL],
    ["a pool that is disabled", GET_POOL, { ...POOL, enabled: false, disabled_at: "2014-01-01T05:20:00Z", origins: [{ name: "a", address: "0.0.0.0" }], minimum_origins: 0 }],
    ["a load balancer", GET_LOAD_BALANCER, BALANCER],
    ["a load balancer with all that steers", GET_LOAD_BALANCER, { ...BALANCER, steering_policy: '""', region_pools: { WNAM: [POOL.id] }, country_pools: {}, ttl: 30, session_affinity: "cookie", fallback_pool: POOL.id }],
    ["a token", VERIFY_USER_TOKEN, TOKEN],
  ])("%s that is valid by the provider's is understood", (_what, operation: Operation, result) => {
    expect(provider().answerErrors(operation, success(result))).toEqual([]);
    expect(understood(operation, success(result))).toBe(true);
  });

  test.each([
    [GET_RECORD, RECORD, ["id", "type", "name", "content", "proxied", "ttl", "modified_on"]],
    [VERIFY_USER_TOKEN, TOKEN, ["id", "status"]],
  ])("a field that we read is missing or of another type by both", (operation: Operation, sample: Readonly<Record<string, unknown>>, fields) => {
    const { answerErrors } = provider();
    for (const field of fields) {
      const { [field]: _, ...without } = sample;
      for (const wrong of [without, { ...sample, [field]: { not: "so" } }]) {
        expect(understood(operation, success(wrong)), field).toBe(false);
        expect(answerErrors(operation, success(wrong)), field).not.toEqual([]);
      }
    }
  });

  test.each([
    [GET_POOL, POOL, ["id", "name", "description", "enabled", "origins", "minimum_origins"]],
    [GET_LOAD_BALANCER, BALANCER, ["id", "name", "description", "enabled", "default_pools", "proxied", "ttl", "steering_policy", "modified_on"]],
  ])("a field that we read is of another type by both", (operation: Operation, sample: object, fields) => {
    const { answerErrors } = provider();
    for (const field of fields) {
      const wrong = success({ ...sample, [field]: { not: "so" } });
      expect(understood(operation, wrong), field).toBe(false);
      expect(answerErrors(operation, wrong), field).not.toEqual([]);
    }
  });
});
