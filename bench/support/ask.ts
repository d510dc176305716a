/**
 * Single requests and paced streams of them, timed from outside.
 */
import http from "node:http";
import net from "node:net";

export type Answer = {
  /** 0 where no answer came. */
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  readonly tookMs: number;
};

export type Ask = { readonly port: number; readonly path: string; readonly headers?: Readonly<Record<string, string>>; readonly timeoutMs?: number; readonly agent?: http.Agent; readonly keepBody?: boolean };

/** Asks once; resolves at the body's end, also when it fails. Never rejects. */
export function ask({ port, path, headers = {}, timeoutMs = 10_000, agent, keepBody = false }: Ask): Promise<Answer> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const failed = (): void => resolve({ status: 0, headers: {}, body: "", tookMs: performance.now() - begun });
    const request = http.get({ host: "127.0.0.1", port, path, headers, ...(agent === undefined ? { agent: false } : { agent }) }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => void (keepBody && (body += chunk.toString())));
      response.on("error", failed);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body, tookMs: performance.now() - begun }));
      response.on("aborted", failed);
    });
    const late = setTimeout(() => request.destroy(new Error("too late")), timeoutMs);
    request.on("close", () => clearTimeout(late));
    request.on("error", failed);
  });
}

/**
 * Asks at a steady rate whether or not answers come (an open loop), for so long.
 *
 * @returns milliseconds each good answer took, sorted; requests that failed are counted apart.
 */
export async function paced(target: Ask, perSecond: number, seconds: number): Promise<{ readonly tookMs: readonly number[]; readonly failed: number }> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 256 });
  const begun = performance.now();
  const asked: Promise<Answer>[] = [];
  const whole = perSecond * seconds;
  await new Promise<void>((resolve) => {
    const beat = setInterval(() => {
      const due = Math.min(whole, Math.floor(((performance.now() - begun) / 1_000) * perSecond));
      while (asked.length < due) asked.push(ask({ ...target, agent }));
      if (asked.length < whole) return;
      clearInterval(beat);
      resolve();
    }, 1);
  });
  const answers = await Promise.all(asked);
  agent.destroy();
  const good = answers.filter(({ status }) => status === 200);
  return { tookMs: good.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b), failed: answers.length - good.length };
}

/** Asks until the answer satisfies, every 50 ms. @throws {Error} after the deadline */
export async function until(target: Ask, satisfied: (answer: Answer) => boolean, what: string, withinMs = 60_000): Promise<Answer> {
  const end = performance.now() + withinMs;
  for (;;) {
    const answer = await ask(target);
    if (satisfied(answer)) return answer;
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms; last answer ${answer.status} ${JSON.stringify(answer.headers)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * One question after the other on one kept connection, with as little of a client as there can be.
 *
 * @param betweenMs pause between an answer and the next question.
 * @returns milliseconds from writing a question to the first byte of its answer, sorted.
 * @throws {Error} when an answer is not 200 or the connection ends
 */
export function questions(port: number, path: string, seconds: number, betweenMs: number): Promise<readonly number[]> {
  const question = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
  const end = performance.now() + seconds * 1_000;
  const took: number[] = [];
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    let askedAt = 0;
    const next = (): void => {
      askedAt = performance.now();
      socket.write(question);
    };
    socket.on("connect", next);
    socket.on("data", (answer) => {
      if (askedAt === 0) return;
      took.push(performance.now() - askedAt);
      askedAt = 0;
      if (!answer.subarray(0, 12).equals(OK)) return void socket.destroy(new Error(`${path} answered ${answer.subarray(0, 40).toString("latin1")}`));
      if (performance.now() < end) return void setTimeout(next, betweenMs);
      socket.destroy();
      resolve(took.toSorted((a, b) => a - b));
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`the connection for ${path} ended`)));
  });
}

const OK = Buffer.from("HTTP/1.1 200");
