/**
 * Transcripts as lines of JSON, for export, import and tail. A first line names the session, each further one is an
 * entry. Pure: text in, text out. What this writes and reads back gives the same bytes again; what it cannot read it
 * refuses with the number of the line.
 */
import { TextDecoder } from "node:util";
import { AppError } from "../domain/app-error.ts";
import type { ErrorCode } from "../domain/error-codes.ts";
import { limits } from "../domain/limits.ts";
import type { TranscriptDraft, TranscriptEntry } from "./session-port.ts";

/** The version of the format; it is the one in the field. */
const formatVersion = 3;

const entryTypes: readonly string[] = [
  "message",
  "model_change",
  "thinking_level_change",
  "custom",
  "custom_message",
  "compaction",
  "branch_summary",
  "label",
  "session_info",
] satisfies TranscriptDraft["type"][];

/** The first line. */
export interface TranscriptHeader {
  readonly id: string;
  readonly atMs: number;
  /** The agent's working folder at the time. */
  readonly cwd: string;
}

export type TranscriptLine =
  | { readonly kind: "session"; readonly header: TranscriptHeader }
  | { readonly kind: "entry"; readonly entry: TranscriptDraft & { readonly parentId: string | null } };

/** The lines of an export, each with its line feed. Entries in their order. */
export function* exportTranscript(
  header: TranscriptHeader,
  entries: Iterable<Pick<TranscriptEntry, "id" | "parentId" | "type" | "atMs" | "body">>,
): Generator<string> {
  yield headerLine(header);
  for (const entry of entries) yield entryLine(entry);
}

export function headerLine(header: TranscriptHeader): string {
  const { id, atMs, cwd } = header;
  return `${JSON.stringify({ type: "session", version: formatVersion, id, timestamp: timestampOf(atMs), cwd })}\n`;
}

/** Also the line of a live tail. */
export function entryLine(entry: Pick<TranscriptEntry, "id" | "parentId" | "type" | "atMs" | "body">): string {
  const { type, id, parentId, atMs, body } = entry;
  // The four keys of the envelope win over a body that holds one of them.
  const envelope = { type, id, parentId, timestamp: timestampOf(atMs) };
  return `${JSON.stringify({ ...envelope, ...body, ...envelope })}\n`;
}

/**
 * Reads an export piece by piece, a line at a time; memory holds one line and the ids. Throws RPC_003 (not such a file)
 * or MSG_003 (over a limit) with `details.line`; what came before the bad line was handed out already, so a caller
 * stores nothing before the end.
 */
export async function* parseTranscript(
  chunks: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
): AsyncGenerator<TranscriptLine> {
  const known = new Set<string>();
  let line = 0;
  for await (const text of linesOf(chunks)) {
    line += 1;
    const record = parseLine(text, line);
    if (line === 1) {
      yield { kind: "session", header: headerOf(record) };
      continue;
    }
    if (known.size >= limits.transcriptEntries) {
      throw refused(line, `has more than ${limits.transcriptEntries} entries`, "MSG_003");
    }
    const entry = entryOf(record, line, known);
    known.add(entry.id);
    yield { kind: "entry", entry };
  }
  if (line === 0) throw refused(1, "is empty");
}

/** Lines without their line feed; a last one need not have any. No more of a line is kept than its limit. */
async function* linesOf(
  chunks: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let current = "";
  let currentBytes = 0;
  let line = 1;
  const keep = (piece: string): void => {
    currentBytes += Buffer.byteLength(piece);
    if (currentBytes > limits.transcriptLineBytes) {
      throw refused(line, `is longer than ${limits.transcriptLineBytes} bytes`, "MSG_003");
    }
    current += piece;
  };
  for await (const chunk of chunks) {
    const [first = "", ...others] = (typeof chunk === "string" ? chunk : decode(decoder, chunk, line)).split("\n");
    keep(first);
    for (const piece of others) {
      yield current;
      line += 1;
      current = "";
      currentBytes = 0;
      keep(piece);
    }
  }
  keep(decode(decoder, null, line));
  if (current !== "") yield current;
}

function decode(decoder: TextDecoder, chunk: Uint8Array | null, line: number): string {
  try {
    return chunk === null ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch (thrown) {
    throw refused(line, "is not UTF-8 in or after this line", "RPC_003", thrown);
  }
}

type JsonObject = Readonly<Record<string, unknown>>;

function parseLine(text: string, line: number): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw refused(line, "is not JSON", "RPC_003", thrown);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refused(line, "is not a JSON object");
  if (isDeeper(value, limits.jsonDepth)) throw refused(line, `is nested deeper than ${limits.jsonDepth}`, "MSG_003");
  return value as JsonObject;
}

/** Level by level, so that a deep value cannot exhaust the stack. */
function isDeeper(value: object, depth: number): boolean {
  let level: object[] = [value];
  for (let deep = 0; level.length > 0; deep += 1) {
    if (deep >= depth) return true;
    level = level
      .flatMap((one) => Object.values(one) as unknown[])
      .filter((one): one is object => typeof one === "object" && one !== null);
  }
  return false;
}

function headerOf(record: JsonObject): TranscriptHeader {
  if (record["type"] !== "session") throw refused(1, "does not begin with a session");
  if (record["version"] !== formatVersion) {
    throw refused(1, `has format version ${JSON.stringify(record["version"])}, not ${formatVersion}`);
  }
  return {
    id: textOf(record, "id", 1),
    atMs: timeOf(record, 1),
    cwd: textOf(record, "cwd", 1),
  };
}

function entryOf(
  record: JsonObject,
  line: number,
  known: ReadonlySet<string>,
): TranscriptDraft & { readonly parentId: string | null } {
  const { type, id: _id, parentId: _parentId, timestamp: _timestamp, ...body } = record;
  if (typeof type !== "string" || !entryTypes.includes(type)) {
    throw refused(line, `has the unknown type ${JSON.stringify(type)}`);
  }
  const id = textOf(record, "id", line);
  if (!/^[0-9a-f]{8}$/.test(id)) throw refused(line, "has an id that is not eight hex digits");
  if (known.has(id)) throw refused(line, `repeats the id ${id}`);
  const parentId = record["parentId"] === null ? null : textOf(record, "parentId", line);
  if (parentId !== null && !known.has(parentId))
    throw refused(line, `follows ${parentId}, which does not come before it`);
  return { type: type as TranscriptDraft["type"], id, parentId, atMs: timeOf(record, line), body };
}

function textOf(record: JsonObject, key: string, line: number): string {
  const value = record[key];
  if (typeof value !== "string") throw refused(line, `has no ${key}`);
  return value;
}

function timeOf(record: JsonObject, line: number): number {
  const atMs = Date.parse(textOf(record, "timestamp", line));
  if (Number.isNaN(atMs)) throw refused(line, "has a timestamp that is none");
  return atMs;
}

function timestampOf(atMs: number): string {
  return new Date(atMs).toISOString();
}

function refused(line: number, what: string, code: ErrorCode = "RPC_003", cause?: unknown): AppError {
  return new AppError(code, `Line ${line} of the transcript ${what}.`, { details: { line }, cause });
}
