/**
 * What the transcripts of another installation say of use: each answer of a model as a call with its tokens and its cost.
 * Reads bytes a piece at a time and keeps one line of them, whatever the size of the file. A line that cannot be read
 * costs that line and no more: it is counted, and the next one is read.
 */
import { createHash } from "node:crypto";
import { limits } from "../domain/limits.ts";
import { soundUsage, totalTokens, type TokenCosts, type TokenUsage } from "../domain/money.ts";

/** One answer of a model, as its line tells it. */
export interface TranscriptCall {
  /** From what the line says and not from where it stands: a copy, a branch and a backup have the same. */
  readonly id: string;
  readonly atMs: number;
  readonly provider: string;
  readonly model: string;
  readonly usage: TokenUsage;
  /** Micro-dollars, where the line tells a cost. A zero for tokens that were used is none: it stands for a missing price. */
  readonly costMicros: number | null;
  readonly costs: TokenCosts | null;
  /** Of the session whose line this is; null where nothing said so yet. */
  readonly sessionId: string | null;
}

/** What became of the lines. */
export interface UsageTally {
  lines: number;
  calls: number;
  /** Answers that this product wrote itself: their calls are in a ledger already. */
  own: number;
  /** No JSON, or no object. */
  broken: number;
  /** Longer than `limits.usageLineBytes`, and an answer of a model as far as its beginning tells. */
  tooLong: number;
  /** Answers with a use that makes no sense: no time, no model, counts that are none. */
  odd: number;
  /** Numbers of the first lines that were broken, too long or odd. */
  readonly firstBad: number[];
}

export function newTally(): UsageTally {
  return { lines: 0, calls: 0, own: 0, broken: 0, tooLong: 0, odd: 0, firstBad: [] };
}

const lineFeed = 0x0a;
const shownBad = 5;
/** So much of a line that is too long tells whose it is. */
const headBytes = 4_096;

/**
 * The calls in the order of their lines; `tally` is kept up to date meanwhile. A chunk is done with when the next one is
 * asked for, so that its memory may be used again. Throws what the chunks throw.
 */
export async function* readUsage(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  tally: UsageTally,
): AsyncGenerator<TranscriptCall> {
  const reader = new LineReader(tally);
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, from)) {
      const call = reader.end(bytes.subarray(from, at));
      if (call !== null) yield call;
      from = at + 1;
    }
    reader.keep(bytes.subarray(from));
  }
  const last = reader.isEmpty ? null : reader.end(Buffer.alloc(0));
  if (last !== null) yield last;
}

/** Puts lines together that were cut between two chunks, in one piece of memory of its own. */
class LineReader {
  readonly #tally: UsageTally;
  #kept = Buffer.alloc(0);
  #length = 0;
  #isTooLong = false;
  #sessionId: string | null = null;

  constructor(tally: UsageTally) {
    this.#tally = tally;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  keep(piece: Buffer): void {
    this.#isTooLong ||= this.#length + piece.length > limits.usageLineBytes;
    const kept = this.#isTooLong ? piece.subarray(0, Math.max(0, headBytes - this.#length)) : piece;
    if (kept.length === 0) return;
    if (this.#length + kept.length > this.#kept.length) this.#grow(this.#length + kept.length);
    kept.copy(this.#kept, this.#length);
    this.#length += kept.length;
  }

  /** Doubled, so that a long line is not copied for each of its chunks. */
  #grow(needed: number): void {
    const grown = Buffer.allocUnsafe(Math.min(Math.max(needed, this.#kept.length * 2), limits.usageLineBytes));
    this.#kept.copy(grown, 0, 0, this.#length);
    this.#kept = grown;
  }

  /** The line is complete with this piece. */
  end(piece: Buffer): TranscriptCall | null {
    let line = piece;
    if (this.#length > 0 || this.#isTooLong || piece.length > limits.usageLineBytes) {
      this.keep(piece);
      line = this.#kept.subarray(0, this.#length);
    }
    const isTooLong = this.#isTooLong;
    this.#length = 0;
    this.#isTooLong = false;
    return this.#read(line, isTooLong);
  }

  #read(line: Buffer, isTooLong: boolean): TranscriptCall | null {
    const tally = this.#tally;
    tally.lines += 1;
    // Most bytes of a transcript are files and what tools said: they are not even parsed.
    const isAnswer = isTooLong
      ? line.subarray(0, headBytes).includes('"assistant"')
      : line.includes('"assistant"') && line.includes('"usage"');
    if (!isAnswer && !isHeader(line)) {
      if (!isTooLong && !isWhole(line)) this.#bad("broken");
      return null;
    }
    if (isTooLong) return this.#bad("tooLong");
    const record = parse(line);
    if (record === null) return this.#bad("broken");
    if (record["type"] === "session") {
      this.#sessionId = typeof record["id"] === "string" ? record["id"].slice(0, 128) : null;
      return null;
    }
    const message = recordOf(record["message"]);
    if (message["role"] !== "assistant" || message["usage"] === undefined || message["usage"] === null) return null;
    if (typeof record["runId"] === "string") {
      tally.own += 1;
      return null;
    }
    const call = callOf(record, message, this.#sessionId);
    if (call === undefined) return this.#bad("odd");
    if (call !== null) tally.calls += 1;
    return call;
  }

  #bad(what: "broken" | "tooLong" | "odd"): null {
    this.#tally[what] += 1;
    if (this.#tally.firstBad.length < shownBad) this.#tally.firstBad.push(this.#tally.lines);
    return null;
  }
}

function isHeader(line: Buffer): boolean {
  return line.length < headBytes && line.includes('"session"');
}

/** Whether it may be a line of a transcript at all: an object from its first byte to its last, or nothing. */
function isWhole(line: Buffer): boolean {
  const text = line.length <= 64 ? line.toString("latin1").trim() : `${line.toString("latin1", 0, 8).trimStart()}…`;
  if (text === "" || text === "\u00ef\u00bb\u00bf") return true;
  const end = line.toString("latin1", Math.max(0, line.length - 8)).trimEnd();
  return /^(?:\u00ef\u00bb\u00bf)?\s*\{/.test(text) && end.endsWith("}");
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Bytes that are no UTF-8 become marks: they stand in what was said, and what was said is not asked for. */
function parse(line: Buffer): JsonObject | null {
  try {
    const value: unknown = JSON.parse(line.toString("utf8").replace(/^\ufeff/, ""));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
  } catch {
    // Said by the count of broken lines.
    return null;
  }
}

function recordOf(value: unknown): JsonObject {
  return typeof value === "object" && value !== null ? (value as JsonObject) : {};
}

/** Null where nothing was used, as of an answer that the house made itself; undefined where it makes no sense. */
function callOf(record: JsonObject, message: JsonObject, sessionId: string | null): TranscriptCall | null | undefined {
  const told = recordOf(message["usage"]);
  const usage = usageOf(told);
  const atMs = timeOf(message["timestamp"]) ?? timeOf(record["timestamp"]);
  const { provider, model } = message;
  if (usage === null || atMs === null) return undefined;
  if (totalTokens(usage) === 0) return null;
  if (!isName(provider) || !isName(model)) return undefined;
  const entry = typeof record["id"] === "string" ? record["id"] : "";
  const identity = JSON.stringify([entry, atMs, provider, model, usage]);
  const id = `import-${createHash("sha256").update(identity).digest("hex").slice(0, 40)}`;
  return { id, atMs, provider, model, usage, ...costOf(recordOf(told["cost"])), sessionId };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= 256;
}

/** Written as a number of milliseconds or as ISO text. Before 1970 there was no such call. */
function timeOf(value: unknown): number | null {
  const ms = typeof value === "string" ? Date.parse(value) : value;
  return typeof ms === "number" && ms > 0 && ms < 8.64e15 ? Math.floor(ms) : null;
}

/** The names under which versions and providers wrote their counts. */
const countNames = {
  input: ["input", "inputTokens", "input_tokens", "promptTokens", "prompt_tokens"],
  output: ["output", "outputTokens", "output_tokens", "completionTokens", "completion_tokens"],
  cacheRead: ["cacheRead", "cache_read", "cacheReadTokens", "cache_read_input_tokens"],
  cacheWrite: ["cacheWrite", "cache_write", "cacheWriteTokens", "cache_creation_input_tokens"],
} as const;

function usageOf(told: JsonObject): TokenUsage | null {
  const count = (kind: keyof typeof countNames): number => {
    const value = countNames[kind].map((name) => told[name]).find((one) => one !== undefined && one !== null) ?? 0;
    return typeof value === "number" ? value : Number.NaN;
  };
  return soundUsage({
    input: count("input"),
    output: count("output"),
    cacheRead: count("cacheRead"),
    cacheWrite: count("cacheWrite"),
  });
}

function costOf(cost: JsonObject): { costMicros: number | null; costs: TokenCosts | null } {
  const total = microsOf(cost["total"]);
  if (total === null || total === 0) return { costMicros: null, costs: null };
  const [input, output, cacheRead, cacheWrite] = [
    microsOf(cost["input"]),
    microsOf(cost["output"]),
    microsOf(cost["cacheRead"]),
    microsOf(cost["cacheWrite"]),
  ];
  if (input === null || output === null || cacheRead === null || cacheWrite === null) {
    return { costMicros: total, costs: null };
  }
  // Each rounded by itself may be more than the total by a few: the total is what counts.
  const over = input + output + cacheRead + cacheWrite - total;
  if (Math.abs(over) > 4) return { costMicros: total, costs: null };
  const costs = { input, output, cacheRead, cacheWrite };
  const kinds = ["input", "output", "cacheRead", "cacheWrite"] as const;
  const heaviest = kinds.reduce((most, kind) => (costs[kind] > costs[most] ? kind : most));
  return { costMicros: total, costs: { ...costs, [heaviest]: Math.max(0, costs[heaviest] - over) } };
}

/** USD as whole micro-dollars, rounded up as every cost is. A million dollars for one answer is a mistake. */
function microsOf(usd: unknown): number | null {
  if (typeof usd !== "number" || !(usd >= 0) || usd > 1_000_000) return null;
  // Of what was computed in floating point, a billionth of a micro-dollar too much is not another one.
  return Math.ceil(usd * 1_000_000 - 1e-6);
}
