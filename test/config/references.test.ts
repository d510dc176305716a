/** References in checks and policies: where they are read, where they are refused, and what is never shown. */
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { CheckConfig, Config, PolicyConfig } from "../../src/config/config.ts";
import { loadConfig, type Loaded } from "../../src/config/load.ts";
import type { Problem } from "../../src/config/problem.ts";
import { reveal, Secret } from "../../src/config/secret.ts";
import { catalogues } from "../../src/roles/catalogues.ts";
import { folderOf, SITE } from "./harness.ts";

const ENV = { TOKEN: "s3cret-token", HOST: "search.internal", MARK: "in stock", SECONDS: "7s" };

function load(files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = ENV): Promise<Loaded> {
  return loadConfig({ file: join("shop", "shopkeeper.yaml"), env, catalogues, files: folderOf({ "shopkeeper.yaml": SITE, ...files }) });
}

async function configOf(files: Readonly<Record<string, string>>, env?: Readonly<Record<string, string>>): Promise<Config> {
  const loaded = await load(files, env);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors, null, 2));
  return loaded.config;
}

async function errorsOf(files: Readonly<Record<string, string>>, env?: Readonly<Record<string, string>>): Promise<readonly Problem[]> {
  const loaded = await load(files, env);
  return loaded.ok ? [] : loaded.errors;
}

/** Place, code and path of each error, with the text that is underlined. */
async function placesOf(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  return (await errorsOf(files)).map((error) => `${error.line}:${error.column} ${error.code} ${error.path}: ${error.source.slice(error.column - 1, error.column - 1 + error.length)}`);
}

async function checkOf(text: string, more: Readonly<Record<string, string>> = {}): Promise<CheckConfig> {
  const found = (await configOf({ "checks/mine.yaml": `name: mine\n${text}`, ...more })).checks.find((check) => check.name === "mine");
  if (found === undefined) throw new Error("no such check");
  return found;
}

async function policyOf(text: string, more: Readonly<Record<string, string>> = {}): Promise<PolicyConfig> {
  const found = (await configOf({ "policies/mine.yaml": `name: mine\ntrigger: application fails 3 consecutive times\n${text}`, ...more })).policies.find((policy) => policy.name === "mine");
  if (found === undefined) throw new Error("no such policy");
  return found;
}

/** A setting's plain text, secrets revealed. */
function plain(value: unknown): unknown {
  if (typeof value === "string" || value instanceof Secret) return reveal(value);
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)])) : value;
}

const HTTP = `probe: http
url: https://\${HOST}/status
method: POST
headers: { authorization: "Bearer \${TOKEN}", x-key: "file:secrets/key", accept: text/plain }
body: '{"token":"\${TOKEN}"}'
must_contain: ["\${MARK}"]
timeout: \${SECONDS}
`;
const KEY = { "secrets/key": "key-of-a-file\n" };

describe("variables and files in a check", () => {
  test("are filled in wherever a text stands", async () => {
    const { settings, cadence } = await checkOf(HTTP, KEY);
    expect(plain(settings)).toEqual({
      url: "https://search.internal/status", method: "POST",
      headers: { authorization: "Bearer s3cret-token", "x-key": "key-of-a-file", accept: "text/plain" },
      body: '{"token":"s3cret-token"}', must_contain: ["in stock"], must_not_contain: [],
    });
    expect(cadence.timeout).toBe(7_000);
  });

  test("are secrets where a secret may stand: no way of printing the configuration shows them", async () => {
    const check = await checkOf(HTTP, KEY);
    const shown = `${JSON.stringify(check)}${inspect(check, { depth: 9 })}`;
    for (const secret of ["s3cret-token", "key-of-a-file", "search.internal"]) expect(shown).not.toContain(secret);
  });

  test("are known, so that what a look says of them can be concealed", async () => {
    const { filled } = await checkOf(HTTP, KEY);
    expect(Secret.conceal("search.internal has no address; Bearer s3cret-token; key-of-a-file; in stock", filled)).toBe("${HOST} has no address; Bearer ${TOKEN}; file:secrets/key; ${MARK}");
  });

  test("of a tcp check and of the dependencies too", async () => {
    const tcp = await checkOf('probe: tcp\naddress: "${HOST}:5432"\nsend: "AUTH ${TOKEN}"\n');
    expect(plain(tcp.settings)).toMatchObject({ address: { host: "search.internal", port: 5_432 }, send: "AUTH s3cret-token" });
    const cdn = await checkOf('probe: dependencies\ncdn_url: https://${HOST}/x\nchecks: { cdn: reachable }\n');
    expect([plain(cdn.settings), cdn.remote]).toEqual([{ cdn_url: "https://search.internal/x" }, true]);
  });

  test("of a URL decide whether it leads beyond this host", async () => {
    const [near, far] = await Promise.all(["http://127.0.0.1:9/", "http://10.0.0.9/"].map(async (url) => (await configOf({ "checks/mine.yaml": "name: mine\nprobe: http\nurl: ${URL}\n" }, { URL: url })).checks.find((check) => check.name === "mine")));
    expect([near?.remote, far?.remote]).toEqual([false, true]);
  });

  test("a URL is asked as it is written, its last slash included", async () => {
    expect((await checkOf("probe: http\nurl: https://x.example/status/\n")).settings).toMatchObject({ url: "https://x.example/status/" });
  });

  test("$${ and file: elsewhere are plain text", async () => {
    expect((await checkOf('probe: http\nurl: "https://x.example/$${y}"\nmust_not_contain: ["file:///srv", "$${z}"]\n')).settings).toMatchObject({ url: "https://x.example/${y}", must_not_contain: ["file:///srv", "${z}"] });
  });
});

describe("variables and files in a policy", () => {
  const RUN = `action: run_command
params:
  command: [notify, "--token=\${TOKEN}", "file:///srv/x"]
  env: { TOKEN: "\${TOKEN}", KEY: "file:secrets/key", PLAIN: text }
  deadline: \${SECONDS}
`;

  test("are filled in: arguments, environment, durations, routes", async () => {
    expect(plain((await policyOf(RUN, KEY)).params)).toEqual({
      command: ["notify", "--token=s3cret-token", "file:///srv/x"], env: { TOKEN: "s3cret-token", KEY: "key-of-a-file", PLAIN: "text" }, deadline: 7_000, cwd: ".", destructive: true,
    });
    const alert = await configOf({ "policies/mine.yaml": "name: mine\ntrigger: application fails 3 consecutive times\naction: alert\nparams: { route: '${ROUTE}' }\nescalation: { after: 5 failed restarts, alert: '${ROUTE}' }\n" }, { ROUTE: "on_call" });
    expect(alert.policies.find((policy) => policy.name === "mine")).toMatchObject({ params: { route: "on_call" }, escalation: { alert: "on_call" } });
  });

  test("stand neither in what is printed nor in what is stored of an action", async () => {
    const policy = await policyOf(RUN, KEY);
    const shown = `${JSON.stringify(policy)}${inspect(policy, { depth: 9 })}`;
    for (const secret of ["s3cret-token", "key-of-a-file"]) expect(shown).not.toContain(secret);
  });
});

describe("what cannot be filled in", () => {
  test("is told at its place, with the nearest variable, in checks and policies as in shopkeeper.yaml", async () => {
    const files = {
      "checks/mine.yaml": 'name: mine\nprobe: http\nurl: https://${HOTS}/\nheaders: { authorization: "Bearer ${TOKEN} ${TOKE}", x-key: file:secrets/none }\ninterval: ${EVERY}\n',
      "policies/mine.yaml": "name: mine\ntrigger: application fails 3 consecutive times\naction: run_command\nparams: { command: [x, '${TOKN}'], env: { A: 'file:secrets/empty' } }\n",
      "secrets/empty": "\n",
    };
    expect(await placesOf(files)).toEqual([
      "3:14 ENV_MISSING url: ${HOTS}",
      "4:44 ENV_MISSING headers.authorization: ${TOKE}",
      "4:61 SECRET_FILE headers.x-key: file:secrets/none",
      "5:11 ENV_MISSING interval: ${EVERY}",
      "4:25 ENV_MISSING params.command[1]: ${TOKN}",
      "4:46 SECRET_FILE params.env.A: 'file:secrets/empty'",
    ]);
    const [url] = await errorsOf(files);
    expect(url).toMatchObject({ file: join("shop", "checks", "mine.yaml"), message: "the environment variable HOTS is not set", nearest: "HOST" });
  });

  test("a password in a URL is refused there too, and not shown", async () => {
    const errors = await errorsOf({ "checks/mine.yaml": "name: mine\nprobe: http\nurl: https://me:hunter2@x.example/\n" });
    expect(errors.map(({ code, path, line, column }) => [code, path, line, column])).toEqual([["SECRET_INLINE", "url", 3, 6]]);
    expect(JSON.stringify(errors)).not.toContain("hunter2");
  });
});

describe("where no reference is read", () => {
  test.each([
    ["a check's name", "checks/mine.yaml", 'name: "${TOKEN}"\nprobe: http\n', "1:7 BAD_VALUE name: \"${TOKEN}\""],
    ["its probe", "checks/mine.yaml", "name: mine\nprobe: ${TOKEN}\n", "2:8 BAD_VALUE probe: ${TOKEN}"],
    ["a header's name", "checks/mine.yaml", 'name: mine\nprobe: http\nheaders: { "${TOKEN}": x }\n', '3:12 BAD_VALUE headers.${TOKEN}: "${TOKEN}"'],
    ["a policy's trigger", "policies/mine.yaml", "name: mine\ntrigger: cpu_usage > ${TOKEN}% for 2 minutes\naction: restart_pod\n", "2:10 BAD_VALUE trigger: cpu_usage > ${TOKEN}% for 2 minutes"],
    ["its action", "policies/mine.yaml", "name: mine\ntrigger: application fails 3 consecutive times\naction: ${TOKEN}\n", "3:9 BAD_VALUE action: ${TOKEN}"],
    ["a variable's name of a command", "policies/mine.yaml", 'name: mine\ntrigger: application fails 3 consecutive times\naction: run_command\nparams: { command: [x], env: { "A_${TOKEN}": x } }\n', '4:32 BAD_VALUE params.env.A_${TOKEN}: "A_${TOKEN}"'],
  ])("%s says so, once, at its place", async (_what, file, text, expected) => {
    expect(await placesOf({ [file]: text })).toEqual([expected]);
  });

  test("a key of shopkeeper.yaml neither", async () => {
    expect(await placesOf({ "shopkeeper.yaml": `${SITE}storefront: { "\${TOKEN}": x, origin: https://x.example }\n` })).toEqual(['13:15 BAD_VALUE storefront.${TOKEN}: "${TOKEN}"']);
  });
});

describe("an error about what was filled in", () => {
  test.each([
    ["a URL that is none", "checks/mine.yaml", "name: mine\nprobe: http\nurl: ${VALUE}\n", '"${VALUE}" is not an http or https URL'],
    ["an alert's URL that is none", "shopkeeper.yaml", SITE.replace("http://127.0.0.1:9999/alerts", () => "${VALUE}"), '"${VALUE}" is not an http or https URL'],
    ["a bound that is none", "checks/mine.yaml", 'name: mine\nprobe: http\nchecks: { response_time: "< ${VALUE}" }\n', '"< ${VALUE}", filled in, does not fit here'],
    ["a duration that is none", "checks/mine.yaml", "name: mine\nprobe: http\ninterval: ${VALUE}\n", '"${VALUE}" is not a duration'],
    ["a route that is none", "policies/mine.yaml", 'name: mine\ntrigger: application fails 3 consecutive times\naction: alert\nparams: { route: "${VALUE}" }\n', 'no alert route is called "${VALUE}"'],
    ["a target that is none", "checks/mine.yaml", 'name: mine\nprobe: http\ntargets: ["${VALUE}"]\n', '"${VALUE}" is not a name'],
    ["a preset that is none", "shopkeeper.yaml", SITE.replace("gateway: {}", () => 'gateway: { preset: "${VALUE}" }'), 'no preset is called "${VALUE}"'],
  ])("%s shows the reference, and nothing of its value", async (_what, file, text, message) => {
    const errors = await errorsOf({ [file]: text }, { VALUE: "hunter two" });
    expect(errors[0]?.message).toBe(message);
    expect(JSON.stringify(errors)).not.toMatch(/hunter|two/);
  });

  test("a text that is too long to send is measured as it is filled in", async () => {
    const errors = await errorsOf({ "checks/mine.yaml": 'name: mine\nprobe: tcp\naddress: "x.example:1"\nsend: ${LONG}\n' }, { LONG: "x".repeat(5_000) });
    expect(errors.map(({ path, message, expected }) => [path, message, expected])).toEqual([["send", '"${LONG}" is not what belongs here', "text of at most 4096 characters"]]);
  });
});

test("the preset's page check follows what the gateway's settings were filled in with", async () => {
  const site = SITE.replace("targets:\n", "targets:\n  blog: { url: http://127.0.0.1:4000 }\n").replace("gateway: {}", () => 'gateway: { preset: "${PRESET}", target: "${TARGET}" }');
  const { checks } = await configOf({ "shopkeeper.yaml": site }, { PRESET: "hydrogen-react-router", TARGET: "app" });
  expect(checks.find((check) => check.name === "page")).toMatchObject({ inactive: null, targets: ["app"] });
});

test("concealing a text that begins where it was cut conceals the last part of a value", () => {
  const secrets = [new Secret("s3crét-token", "${A}")];
  expect(Secret.conceal("t-token is used", secrets, "start")).toBe("${A} is used");
  expect(Secret.conceal("\uFFFDt-token is used", secrets, "start")).toBe("${A} is used");
  expect(Secret.conceal("t-token is used", secrets)).toBe("t-token is used");
});

describe("concealing", () => {
  const secret = (value: string, origin: string): Secret => new Secret(value, origin);
  test.each([
    ["the longer value before the one it holds", [secret("abcdef", "${A}"), secret("abcdefghi", "${B}")], "abcdefghi abcdef", "${B} ${A}"],
    ["host and password of a URL alone", [secret("redis://:hunter2@db.internal:6379", "${URL}")], "ENOTFOUND db.internal, not hunter2", "ENOTFOUND ${URL}, not ${URL}"],
    ["no short value", [secret("3000", "${PORT}")], "no answer within 3000 ms", "no answer within 3000 ms"],
    ["the parts of a text, not only the whole", [new Secret("Bearer abcdef", "Bearer ${A}", [{ value: "abcdef", origin: "${A}" }])], "got abcdef", "got ${A}"],
    ["a value as JSON writes it", [secret('pass"word\\\n1', "${A}")], JSON.stringify('said pass"word\\\n1'), '"said ${A}"'],
    ["a host as a URL writes it", [new Secret("https://Search.Internal.Example/x", "https://${H}/x", [{ value: "Search.Internal.Example", origin: "${H}" }])], "ENOTFOUND search.internal.example, SEARCH.internal.example", "ENOTFOUND ${H}, ${H}"],
    ["but what is no host only as it is", [secret("Abcdefgh", "${A}")], "abcdefgh", "abcdefgh"],
    ["no reference that was put in place", [secret("https://search.example/", "${SEARCH.EXAMPLE}"), secret("SEARCH", "${B}")], "https://search.example/", "${SEARCH.EXAMPLE}"],
    ["the first part of a value where the text was cut", [secret("s3cret-token", "${A}")], "Bearer s3cret-…", "Bearer ${A}…"],
    ["also within quotes", [secret("s3cret-token", "${A}")], 'said "s3cret-…"', 'said "${A}…"'],
    ["but not fewer than 6 signs of it", [secret("s3cret-token", "${A}")], "Bearer s3cre…", "Bearer s3cre…"],
    ["nor where nothing was cut", [secret("s3cret-token", "${A}")], "Bearer s3cret-", "Bearer s3cret-"],
    ["a value with signs of its own", [secret("$&$1aaaa", "${A}")], "x $&$1aaaa", "x ${A}"],
  ])("%s", (_what, secrets, text, shown) => {
    expect(Secret.conceal(text, secrets)).toBe(shown);
  });
});
