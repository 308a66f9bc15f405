/** Some lines of a file of any size, read as a stream: never more of it in memory than is shown and one piece. */
import type { FileHandle } from "node:fs/promises";
import { limits } from "../../domain/limits.ts";
import { utf8Bytes } from "../../domain/text.ts";
import type { TextForm } from "../workspace/text.ts";

export interface LineWindow {
  /** The first line, from 1, and how many at most. */
  readonly offset: number;
  readonly limit: number;
  readonly signal: AbortSignal;
}

export interface LinesRead {
  /** Without their line ends; long ones are cut. */
  readonly lines: readonly string[];
  /** Lines seen until it stopped: all of the file where `end` is `file`. */
  readonly seen: number;
  /** Why it stopped: the file ended, enough was read, or the line lies too far in. */
  readonly end: "file" | "enough" | "far";
}

const pieceBytes = 64 * 1024;
const cutSign = " [line cut]";

export async function readLines(handle: FileHandle, form: TextForm, window: LineWindow): Promise<LinesRead> {
  const collector = new LineCollector(window);
  const decoder = new TextDecoder(form.encoding, { ignoreBOM: true });
  const piece = Buffer.allocUnsafe(pieceBytes);
  let position = form.mark.length;
  for (;;) {
    window.signal.throwIfAborted();
    const { bytesRead } = await handle.read(piece, 0, pieceBytes, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    if (collector.take(decoder.decode(piece.subarray(0, bytesRead), { stream: true })))
      return collector.result("enough");
    if (position > limits.fileScanBytes) return collector.result("far");
  }
  if (collector.take(decoder.decode()) || collector.finish()) return collector.result("enough");
  return collector.result("file");
}

class LineCollector {
  readonly #window: LineWindow;
  readonly #lines: string[] = [];
  #bytes = 0;
  #seen = 0;
  /** Of the line that has not ended. */
  #open = "";
  #openChars = 0;

  constructor(window: LineWindow) {
    this.#window = window;
  }

  /** True when it has enough, and there is more. */
  take(text: string): boolean {
    let from = 0;
    for (;;) {
      const end = text.indexOf("\n", from);
      const part = text.slice(from, end === -1 ? text.length : end);
      if (part !== "" && this.#isFull()) return true;
      this.#extend(part);
      if (end === -1) return false;
      if (this.#isFull() || !this.#close()) return true;
      from = end + 1;
    }
  }

  /** A last line without an end counts too. True where there was no room for it. */
  finish(): boolean {
    if (this.#openChars === 0) return false;
    return this.#isFull() || !this.#close();
  }

  result(end: LinesRead["end"]): LinesRead {
    return { lines: this.#lines, seen: this.#seen, end };
  }

  #isFull(): boolean {
    return this.#lines.length >= this.#window.limit || this.#bytes >= limits.fileReadBytes;
  }

  #extend(part: string): void {
    this.#openChars += part.length;
    const room = limits.fileLineChars + 1 - this.#open.length;
    if (room > 0) this.#open += part.slice(0, room);
  }

  /** The line is whole. False where it is not taken because there is no room. */
  #close(): boolean {
    if (this.#seen + 1 >= this.#window.offset) {
      const isCut = this.#openChars > limits.fileLineChars + (this.#open.endsWith("\r") ? 1 : 0);
      const line = isCut ? this.#open.slice(0, limits.fileLineChars) + cutSign : this.#open.replace(/\r$/, "");
      const size = utf8Bytes(line) + 1;
      // The first line is shown whatever its size: it has a limit of its own.
      if (this.#lines.length > 0 && this.#bytes + size > limits.fileReadBytes) return false;
      this.#lines.push(line);
      this.#bytes += size;
    }
    this.#seen += 1;
    this.#open = "";
    this.#openChars = 0;
    return true;
  }
}
