/**
 * The file behind the log: append-only lines, rotated by size into `<file>.1` … `<file>.<keep>`. Writers never wait
 * and never fail: lines queue in memory up to a limit, and a disk that refuses them is tried again while the oldest
 * problem stays visible in `status()`. Readable by its owner alone.
 */
import { open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { ensurePrivateDir, isErrno, privateFileMode } from "./atomic-file.ts";
import type { Clock, Timer } from "./clock.ts";

export interface LogFileStatus {
  /** Lines that found no room in memory while the disk did not take them. */
  readonly dropped: number;
  readonly failures: number;
  readonly lastFailure: string | null;
}

export interface LogFile {
  readonly path: string;
  /** One line without its line break. Never throws, never waits. */
  write(line: string): void;
  /** Resolves when every line so far was written, or the disk refused one. */
  flush(): Promise<void>;
  close(): Promise<void>;
  status(): LogFileStatus;
}

export interface LogFileOptions {
  readonly path: string;
  readonly clock: Clock;
  /** A file that would grow beyond this is rotated first. */
  readonly maxBytes?: number;
  /** How many rotated files are kept. */
  readonly keep?: number;
  readonly maxQueuedBytes?: number;
  readonly retryMs?: number;
}

export const logFileDefaults = Object.freeze({
  maxBytes: 10 * 1024 * 1024,
  keep: 5,
  maxQueuedBytes: 4 * 1024 * 1024,
  retryMs: 1_000,
});

export function createLogFile(options: LogFileOptions): LogFile {
  return new RotatingFile(options);
}

/** At most this much goes to the disk at once, so that a flood is rotated near the limit and not far behind it. */
const batchBytes = 64 * 1024;
/** How often it looks whether the file is still where its name says. */
const lookEveryMs = 1_000;

class RotatingFile implements LogFile {
  readonly path: string;
  readonly #settings: Required<LogFileOptions>;
  #handle: FileHandle | null = null;
  #sizeBytes = 0;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  /** What is left of a batch that the disk took in part. */
  #rest: Buffer = Buffer.alloc(0);
  #running: Promise<void> | null = null;
  #retry: Timer | null = null;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #closed = false;
  #dropped = 0;
  #reported = 0;
  #failures = 0;
  #lastFailure: string | null = null;

  constructor(options: LogFileOptions) {
    this.#settings = { ...logFileDefaults, ...options };
    this.path = options.path;
  }

  write(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    if (this.#closed || this.#queuedBytes + bytes.length > this.#settings.maxQueuedBytes) {
      this.#dropped += 1;
      return;
    }
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    // While the disk refuses, the timer tries again; every line trying would be a storm.
    if (this.#retry === null) void this.#drain();
  }

  async flush(): Promise<void> {
    this.#retry?.cancel();
    this.#retry = null;
    await this.#drain();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.flush();
    this.#closed = true;
    this.#retry?.cancel();
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close().catch((error: unknown) => this.#note(error));
  }

  status(): LogFileStatus {
    return { dropped: this.#dropped, failures: this.#failures, lastFailure: this.#lastFailure };
  }

  #drain(): Promise<void> {
    this.#running ??= this.#writeAll().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #writeAll(): Promise<void> {
    // Lines of one turn of the event loop leave in one write.
    await new Promise<void>((resolve) => setImmediate(resolve));
    try {
      while (this.#rest.length > 0 || this.#queue.length > 0) {
        if (this.#rest.length === 0) await this.#nextBatch();
        await this.#writeRest();
      }
    } catch (error) {
      this.#note(error);
      await this.#abandonHandle();
      if (this.#closed) return;
      this.#retry = this.#settings.clock.after(this.#settings.retryMs, () => {
        this.#retry = null;
        void this.#drain();
      });
    }
  }

  /** Takes the next lines off the queue, in a file that has room for them. */
  async #nextBatch(): Promise<void> {
    if (this.#dropped > this.#reported) {
      this.#queue.push(Buffer.from(`${this.#dropLine(this.#dropped - this.#reported)}\n`));
      this.#reported = this.#dropped;
    }
    await this.#openFile();
    const first = this.#queue[0]?.length ?? 0;
    if (this.#sizeBytes > 0 && this.#sizeBytes + first > this.#settings.maxBytes) await this.#rotate();
    const room = Math.max(first, Math.min(batchBytes, this.#settings.maxBytes - this.#sizeBytes));
    let taken = 0;
    let bytes = 0;
    for (const line of this.#queue) {
      if (bytes + line.length > room) break;
      bytes += line.length;
      taken += 1;
    }
    this.#rest = Buffer.concat(this.#queue.slice(0, taken), bytes);
    this.#queue = this.#queue.slice(taken);
    this.#queuedBytes = Math.max(0, this.#queuedBytes - bytes);
  }

  async #writeRest(): Promise<void> {
    const handle = await this.#openFile();
    while (this.#rest.length > 0) {
      const { bytesWritten } = await handle.write(this.#rest);
      // What the disk took is taken, also where it refuses the rest: a retry goes on in the middle of the line.
      this.#rest = this.#rest.subarray(bytesWritten);
      this.#sizeBytes += bytesWritten;
    }
  }

  async #openFile(): Promise<FileHandle> {
    if (this.#handle !== null && !this.#lookDue()) return this.#handle;
    if (this.#handle !== null && (await this.#isInPlace(this.#handle))) return this.#handle;
    await this.#abandonHandle();
    await ensurePrivateDir(dirname(this.path));
    const handle = await open(this.path, "a+", privateFileMode);
    this.#handle = handle;
    const found = await handle.stat();
    // A log that was pointed at a terminal or a device must not lock others out of it.
    if (found.isFile()) await handle.chmod(privateFileMode);
    this.#sizeBytes = found.size;
    await this.#endTornLine(handle);
    return handle;
  }

  /** A process that was killed may have left half a line; the next one must not continue it. */
  async #endTornLine(handle: FileHandle): Promise<void> {
    if (this.#sizeBytes === 0 || this.#rest.length > 0) return;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, this.#sizeBytes - 1);
    if (buffer[0] === 0x0a) return;
    await handle.write("\n");
    this.#sizeBytes += 1;
  }

  #lookDue(): boolean {
    const nowMs = this.#settings.clock.monotonicMs();
    if (nowMs - this.#lookedMs < lookEveryMs) return false;
    this.#lookedMs = nowMs;
    return true;
  }

  /** False where somebody moved or removed the file: lines written on would be seen by nobody. */
  async #isInPlace(handle: FileHandle): Promise<boolean> {
    try {
      const [held, named] = await Promise.all([handle.stat(), stat(this.path)]);
      return held.ino === named.ino && held.dev === named.dev;
    } catch (error) {
      if (isErrno(error, "ENOENT")) return false;
      throw error;
    }
  }

  async #rotate(): Promise<void> {
    await this.#abandonHandle();
    const { keep } = this.#settings;
    if (keep === 0) await rm(this.path, { force: true });
    // From the oldest on, so that no step overwrites a file that is still to be moved.
    for (let index = keep - 1; index >= 0; index -= 1) {
      await rename(rotatedPath(this.path, index), rotatedPath(this.path, index + 1)).catch((error: unknown) => {
        if (!isErrno(error, "ENOENT")) throw error;
      });
    }
    await this.#openFile();
  }

  async #abandonHandle(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close().catch((error: unknown) => this.#note(error));
  }

  #note(error: unknown): void {
    this.#failures += 1;
    this.#lastFailure = error instanceof Error ? error.message : String(error);
  }

  #dropLine(count: number): string {
    const time = new Date(this.#settings.clock.nowMs()).toISOString();
    return JSON.stringify({
      time,
      level: "warn",
      scope: "log",
      message: "Lines were lost: the disk did not take them.",
      count,
    });
  }
}

/** Where a file is after it was rotated `index` times; 0 is the file itself. */
export function rotatedPath(path: string, index: number): string {
  return index === 0 ? path : `${path}.${index}`;
}
