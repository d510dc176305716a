/**
 * One HTTP/1.1 answer, read from its bytes as they come (RFC 9112). Holds no socket and no
 * clock; however the bytes are split, the answer is the same.
 *
 * Strict where two readers could disagree about where an answer ends: what it cannot frame
 * with certainty is `broken`.
 */
import { bodyFraming, connectionTerms, pieceFault, START_LENGTH, startFault, parseChunkSize, parseField, parseStatusLine } from "./http-reply-lines.ts";

/** All heads of one answer together, interim ones and trailers included; also one chunk's size line. */
export const MAX_HEAD_BYTES = 65_536;

/** `more`: the answer goes on. `whole`: it has ended. `broken`: it is no answer; `why` tells. */
export type Progress = "more" | "whole" | "broken";

type State = "status" | "fields" | "length" | "until_close" | "chunk_size" | "chunk" | "chunk_end" | "trailers" | "whole" | "broken";

const LF = 10;
const NO_FIELDS: Record<string, string> = {};
const HEAD_END = Buffer.from("\r\n\r\n");

export class HttpReply {
  readonly #isHead: boolean;
  readonly #maxBodyBytes: number;
  #state: State = "status";
  #minor = 1;
  /** Of the head being read; it counts once the head is whole and not an interim one. */
  #announced = 0;
  #fields: Record<string, string> = NO_FIELDS;
  #lastField = "";
  #headBytes = 0;
  /** A line that has not ended yet. */
  #partial = "";
  #afterCr = false;
  #left = 0;
  #text = "";
  readonly #chunks: Buffer[] = [];
  #kept = 0;
  #bodyBytes = 0;
  #status = 0;
  #why = "";
  #keepsOpen = false;
  #idleMs: number | null = null;
  #excess = 0;

  /** @param isHead it answers a HEAD, so no body follows whatever its head says. */
  constructor(isHead: boolean, maxBodyBytes: number) {
    this.#isHead = isHead;
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** 0 until the head is whole. */
  get status(): number {
    return this.#status;
  }
  /** Lower-case names; repeated ones joined by ", ", set-cookie by "\n". */
  get headers(): Readonly<Record<string, string>> {
    return this.#fields;
  }
  /** Whole length so far, before any cut. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }
  get bodyCut(): boolean {
    return this.#bodyBytes > this.#kept;
  }
  /** The connection may carry another exchange: nothing follows the answer, and the server said nothing against it. */
  get reusable(): boolean {
    return this.#state === "whole" && this.#keepsOpen && this.#excess === 0;
  }
  /** How long the server says it keeps an idle connection; null when it does not say. */
  get idleMs(): number | null {
    return this.#idleMs;
  }
  get why(): string {
    return this.#why;
  }
  /** Any byte came. */
  get begun(): boolean {
    return this.#headBytes > 0;
  }

  /** The kept part of the body, as UTF-8. */
  body(): string {
    return this.#chunks.length === 0 ? this.#text : Buffer.concat(this.#chunks).toString("utf8");
  }

  /** Reads on. The bytes may be overwritten afterwards. */
  read(bytes: Buffer): Progress {
    let at = 0;
    while (at < bytes.length && this.#state !== "whole" && this.#state !== "broken") at = this.#step(bytes, at);
    this.#excess += bytes.length - at;
    return this.#progress();
  }

  /** The server has ended the connection in good order: the end of a body of no stated length. */
  close(): Progress {
    this.#keepsOpen = false;
    if (this.#state === "until_close") this.#state = "whole";
    return this.#progress();
  }

  #progress(): Progress {
    return this.#state === "whole" || this.#state === "broken" ? this.#state : "more";
  }

  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case "length":
      case "chunk":
      case "until_close":
        return this.#takeBody(bytes, at);
      default:
        return this.#takeLines(bytes, at);
    }
  }

  #takeBody(bytes: Buffer, at: number): number {
    const bounded = this.#state !== "until_close";
    const end = bounded ? Math.min(bytes.length, at + this.#left) : bytes.length;
    const whole = this.#state === "length" && end - at === this.#left;
    this.#keep(bytes, at, end, whole);
    if (!bounded) return end;
    this.#left -= end - at;
    if (this.#left === 0) this.#state = whole ? "whole" : this.#state === "chunk" ? "chunk_end" : this.#state;
    return end;
  }

  /** @param last nothing comes after it: where nothing came before it either, it needs no copy. */
  #keep(bytes: Buffer, from: number, to: number, last: boolean): void {
    const keptTo = Math.min(to, from + this.#maxBodyBytes - this.#kept);
    this.#bodyBytes += to - from;
    if (keptTo <= from) return;
    this.#kept += keptTo - from;
    if (last && this.#chunks.length === 0) this.#text = bytes.toString("utf8", from, keptTo);
    else this.#chunks.push(Buffer.from(bytes.subarray(from, keptTo)));
  }

  /** One line, or a whole head at once: what is asked of Buffers costs more than what is done with strings. */
  #takeLines(bytes: Buffer, at: number): number {
    const found = this.#state === "fields" || this.#state === "status" ? bytes.indexOf(HEAD_END, at) : -1;
    if (found === -1) return this.#takeLine(bytes, at);
    const text = bytes.toString("latin1", at, found + HEAD_END.length);
    let from = 0;
    // The head's own end is its first empty line, so nothing behind it is in the text.
    while (from < text.length && (this.#state === "status" || this.#state === "fields")) {
      const to = text.indexOf("\n", from) + 1;
      this.#takeText(text.slice(from, to), true);
      from = to;
    }
    return at + from;
  }

  #takeLine(bytes: Buffer, at: number): number {
    const found = bytes.indexOf(LF, at);
    const end = found === -1 ? bytes.length : found + 1;
    this.#takeText(bytes.toString("latin1", at, end), found !== -1);
    return end;
  }

  #takeText(text: string, ends: boolean): void {
    this.#headBytes += text.length;
    if (this.#headBytes > MAX_HEAD_BYTES) return this.#break(`its head is longer than ${MAX_HEAD_BYTES} bytes`);
    const before = this.#partial;
    const line = before === "" ? text : before + text;
    const start = this.#state === "status" && before.length < START_LENGTH ? startFault(line) : null;
    const fault = start ?? pieceFault(text, this.#afterCr, ends);
    if (fault !== null) return this.#break(fault);
    this.#partial = ends ? "" : line;
    this.#afterCr = !ends && text.endsWith("\r");
    if (ends) this.#takeWholeLine(line.slice(0, -2));
  }

  #takeWholeLine(line: string): void {
    switch (this.#state) {
      case "status":
        return this.#takeStatus(line);
      case "fields":
        return line === "" ? this.#endHead() : this.#takeField(line);
      case "chunk_size":
        return this.#takeChunkSize(line);
      case "chunk_end":
        if (line === "") this.#state = "chunk_size";
        else this.#break("a chunk is longer than it said");
        return;
      default:
        // Trailers are read over, as long as they are some.
        if (line === "") this.#state = "whole";
        else if (!/^[ \t]/.test(line) && parseField(line) === null) this.#break("a trailer cannot be read");
    }
  }

  #takeStatus(line: string): void {
    const parsed = parseStatusLine(line);
    if (parsed === null) return this.#break("its first line is no status of HTTP/1");
    this.#minor = parsed.minor;
    this.#announced = parsed.status;
    this.#fields = new Fields();
    this.#lastField = "";
    this.#state = "fields";
  }

  #takeField(line: string): void {
    const fields = this.#fields;
    if (line.startsWith(" ") || line.startsWith("\t")) {
      if (this.#lastField === "") return this.#break("a header field has no name");
      fields[this.#lastField] = `${fields[this.#lastField]} ${line.trim()}`;
      return;
    }
    const field = parseField(line);
    if (field === null) return this.#break("a header field cannot be read");
    const { name, value } = field;
    const before = fields[name];
    fields[name] = before === undefined ? value : `${before}${name === "set-cookie" ? "\n" : ", "}${value}`;
    this.#lastField = name;
  }

  #endHead(): void {
    const status = this.#announced;
    // An upgrade was never asked for; the other interim answers only announce this one.
    if (status === 101) return this.#break("it switches protocols unasked");
    if (status < 200) {
      this.#state = "status";
      return;
    }
    this.#status = status;
    const terms = connectionTerms(this.#fields, this.#minor);
    // HTTP/1.0 knows no transfer codings: who sends one is not to be trusted with the next answer (RFC 9112, 6.1).
    this.#keepsOpen = terms.keepsOpen && !(this.#minor === 0 && this.#fields["transfer-encoding"] !== undefined);
    this.#idleMs = terms.idleMs;
    if (this.#isHead || status === 204 || status === 304) return this.#beginBody({ kind: "length", bytes: 0 });
    this.#beginBody(bodyFraming(this.#fields));
  }

  #beginBody(framing: ReturnType<typeof bodyFraming>): void {
    if (framing.kind === "broken") return this.#break(framing.why);
    if (framing.kind === "chunked") this.#state = "chunk_size";
    else if (framing.kind === "until_close") this.#state = "until_close";
    else {
      this.#left = framing.bytes;
      this.#state = framing.bytes === 0 ? "whole" : "length";
    }
  }

  #takeChunkSize(line: string): void {
    const size = parseChunkSize(line);
    if (size === null) return this.#break("the size of a chunk cannot be read");
    // The bound is for one line and for what is not body, not for how many chunks there are.
    this.#headBytes = 1;
    this.#left = size;
    this.#state = size === 0 ? "trailers" : "chunk";
  }

  #break(why: string): void {
    this.#why = why;
    this.#state = "broken";
  }
}

/**
 * Without the names every object inherits: a header may be called "constructor". Made by a
 * constructor, because what `Object.create(null)` gives is a hash table.
 */
const Fields = function () {} as unknown as new () => Record<string, string>;
Fields.prototype = Object.create(null) as object;
