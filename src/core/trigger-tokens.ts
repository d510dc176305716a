/**
 * The words of a trigger's text, each with its place, and a reader over them.
 */
import { nearest } from "./nearest.ts";

/** Where the text stopped making sense. `offset` and `length` are characters of the trigger's text. */
export type TriggerProblem = {
  readonly offset: number;
  readonly length: number;
  /** The word at that place; "" at the end. */
  readonly found: string;
  /** What would have been right: "a check", "\"consecutive\"". */
  readonly expected: string;
  /** The nearest right word, where one is near. */
  readonly nearest: string | null;
};

export type Token = {
  readonly kind: "word" | "number" | "string" | "sign" | "end";
  /** Without the quotes of a string. */
  readonly text: string;
  readonly offset: number;
  readonly length: number;
};

/** Ends the reading; caught at the grammar's border and turned into its value. */
export class TriggerSyntax extends Error {
  override readonly name = "TriggerSyntax";
  readonly problem: TriggerProblem;
  constructor(problem: TriggerProblem) {
    super(problem.expected);
    this.problem = problem;
  }
}

const TOKEN = /\s*(?:(?<sign>[()>%])|"(?<string>[^"]*)"|(?<number>\d+(?:\.\d+)?)(?![\w.-])|(?<word>[^\s()>%"]+)|(?<quote>"))/y;

/** Cuts a text into words; the last one is the end. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let match = TOKEN.exec(text);
  while (match !== null) {
    const groups = match.groups ?? {};
    const trimmed = match[0].trimStart();
    const place = { offset: TOKEN.lastIndex - trimmed.length, length: trimmed.length };
    if (groups["quote"] !== undefined) throw new TriggerSyntax({ offset: place.offset, length: text.length - place.offset, found: text.slice(place.offset), expected: "a closing quotation mark", nearest: null });
    const kind = groups["sign"] !== undefined ? "sign" : groups["string"] !== undefined ? "string" : groups["number"] !== undefined ? "number" : "word";
    tokens.push({ kind, text: groups[kind] ?? "", ...place });
    match = TOKEN.exec(text);
  }
  const end = text.trimEnd().length;
  tokens.push({ kind: "end", text: "", offset: end, length: 0 });
  return tokens;
}

/** The problem of finding this word where something else was expected. */
export function found(token: Token, expected: string, near: string | undefined): TriggerProblem {
  return { offset: token.offset, length: token.length, found: token.text, expected, nearest: near ?? null };
}

export class TriggerReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    return token ?? { kind: "end", text: "", offset: 0, length: 0 };
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.#at += 1;
    return token;
  }

  isWord(word: string): boolean {
    const token = this.peek();
    return token.kind === "word" && token.text.toLowerCase() === word;
  }

  skipWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.next();
    return true;
  }

  /** Takes that word, or one of the others; a problem otherwise. */
  word(word: string, others: readonly string[] = []): void {
    if ([word, ...others].some((right) => this.skipWord(right))) return;
    throw this.problem(`"${word}"`, [word, ...others]);
  }

  sign(sign: string): void {
    const token = this.peek();
    if (token.kind !== "sign" || token.text !== sign) throw this.problem(`"${sign}"`, []);
    this.next();
  }

  /** The problem at the word that would be read next. */
  problem(expected: string, right: Iterable<string>): TriggerSyntax {
    const token = this.peek();
    const near = token.kind === "word" ? nearest(token.text, right) : undefined;
    return new TriggerSyntax(found(token, expected, near));
  }
}
