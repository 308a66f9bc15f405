/**
 * `application/vnd.amazon.eventstream`: AWS's binary frames, whatever the network cuts them into. Believes no frame
 * whose sums are wrong, waits for none above a limit, and tells of the first bad one as a value: nothing follows it.
 */
import { crc32 } from "node:zlib";
import { limits } from "../../domain/limits.ts";

export type HeaderValue = string | number | boolean | Uint8Array;

export interface EventFrame {
  readonly headers: ReadonlyMap<string, HeaderValue>;
  readonly payload: Uint8Array;
}

/** Why a stream cannot be read on. */
export type StreamFault =
  /** A sum over the prelude or the whole frame is not what the frame says. */
  | "wrong-checksum"
  /** The body ended inside a frame. */
  | "cut-frame"
  /** A frame, or its headers, longer than the limit. */
  | "too-large"
  /** Lengths or headers that cannot be. */
  | "malformed";

export type StreamPiece =
  | { readonly kind: "frame"; readonly frame: EventFrame }
  | { readonly kind: "broken"; readonly fault: StreamFault };

/** Rejects only as the body does. */
export async function* eventFrames(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamPiece> {
  const reader = body.getReader();
  const pending = new PendingBytes();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pending.push(value);
    for (let piece = nextPiece(pending); piece !== null; piece = nextPiece(pending)) {
      yield piece;
      if (piece.kind === "broken") return;
    }
  }
  if (pending.length > 0) yield { kind: "broken", fault: "cut-frame" };
}

/** Total length, length of the headers, sum of both; at the end the sum of everything before it. */
const preludeBytes = 12;
const sumBytes = 4;

/** Null until there is a whole frame. Lengths are looked at before their bytes are waited for. */
function nextPiece(pending: PendingBytes): StreamPiece | null {
  if (pending.length < preludeBytes) return null;
  const prelude = viewOf(pending.peek(preludeBytes));
  if (crc32(pending.peek(8)) !== prelude.getUint32(8)) return { kind: "broken", fault: "wrong-checksum" };
  const totalBytes = prelude.getUint32(0);
  const headerBytes = prelude.getUint32(4);
  if (totalBytes > limits.eventFrameBytes || headerBytes > limits.eventHeaderBytes)
    return { kind: "broken", fault: "too-large" };
  if (totalBytes < preludeBytes + headerBytes + sumBytes) return { kind: "broken", fault: "malformed" };
  if (pending.length < totalBytes) return null;
  const frame = pending.take(totalBytes);
  const body = frame.subarray(0, totalBytes - sumBytes);
  if (crc32(body) !== viewOf(frame).getUint32(body.length)) return { kind: "broken", fault: "wrong-checksum" };
  const headers = readHeaders(body.subarray(preludeBytes, preludeBytes + headerBytes));
  if (headers === null) return { kind: "broken", fault: "malformed" };
  return { kind: "frame", frame: { headers, payload: body.subarray(preludeBytes + headerBytes) } };
}

function readHeaders(bytes: Uint8Array): ReadonlyMap<string, HeaderValue> | null {
  const headers = new Map<string, HeaderValue>();
  const view = viewOf(bytes);
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 1 + view.getUint8(at);
    // The type of the value stands behind the name.
    if (nameEnd >= bytes.length) return null;
    const name = text(bytes.subarray(at + 1, nameEnd));
    const value = readValue(view, nameEnd);
    if (name === "" || value === null) return null;
    headers.set(name, value.value);
    at = value.end;
  }
  return headers;
}

/** Null where the value reaches beyond the headers, or is of a type that does not exist. */
function readValue(view: DataView, at: number): { readonly value: HeaderValue; readonly end: number } | null {
  const type = view.getUint8(at);
  const start = at + 1;
  const width = widthOf(type, view, start);
  if (width === null || start + width > view.byteLength) return null;
  const end = start + width;
  switch (type) {
    case 0:
    case 1:
      return { value: type === 0, end };
    case 2:
      return { value: view.getInt8(start), end };
    case 3:
      return { value: view.getInt16(start), end };
    case 4:
      return { value: view.getInt32(start), end };
    case 5:
    case 8:
      return { value: Number(view.getBigInt64(start)), end };
    case 7:
      return { value: text(bytesOf(view, start + 2, end)), end };
    default:
      return { value: bytesOf(view, type === 6 ? start + 2 : start, end), end };
  }
}

/** By the number of the type: true, false, byte, short, integer, long, bytes, text, moment, UUID. */
const widths: readonly (number | "counted")[] = [0, 0, 1, 2, 4, 8, "counted", "counted", 8, 16];

function widthOf(type: number, view: DataView, start: number): number | null {
  const width = widths[type];
  if (width !== "counted") return width ?? null;
  return start + 2 > view.byteLength ? null : 2 + view.getUint16(start);
}

function bytesOf(view: DataView, start: number, end: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + start, end - start);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Joins what came only when a whole frame is there: joining per piece would copy a long frame again and again. */
class PendingBytes {
  #pieces: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  /** The first bytes, left where they are. */
  peek(count: number): Uint8Array {
    const [first] = this.#pieces;
    return first !== undefined && first.length >= count ? first.subarray(0, count) : this.#joined().subarray(0, count);
  }

  take(count: number): Uint8Array {
    const all = this.#joined();
    const rest = all.subarray(count);
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    return all.subarray(0, count);
  }

  #joined(): Uint8Array {
    const [first] = this.#pieces;
    if (this.#pieces.length === 1 && first !== undefined) return first;
    const joined = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [joined];
    return joined;
  }
}
