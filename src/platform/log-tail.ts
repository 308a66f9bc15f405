/**
 * Reads the log as it grows. A cursor names a file by what it is and not by what it is called, so that it goes on
 * behind a rotation: whoever pages with cursors gets every line once. Reads only; never waits for the writer.
 */
import { open, stat, type FileHandle } from "node:fs/promises";
import { AppError } from "../domain/app-error.ts";
import { isErrno, storageError } from "./atomic-file.ts";
import { rotatedPath } from "./log-file.ts";

export interface TailOptions {
  readonly file: string;
  /** Of an earlier answer. Without one, the newest lines are given. */
  readonly cursor?: string;
  /** 1 to 5,000 lines. */
  readonly limit: number;
  /** Lines of this subsystem and those below it: `channels.irc` takes `channels.irc` and `channels.irc.main`. */
  readonly scope?: string;
}

export interface LogTail {
  /** Oldest first, newest last. */
  readonly lines: readonly string[];
  /** Where the next call goes on. Valid for as long as the file it names is kept. */
  readonly cursor: string;
}

/** Throws RPC_003 for a cursor that is none of ours and STORE_001 where the log cannot be read. No log is no lines. */
export async function tailLog(options: TailOptions): Promise<LogTail> {
  const limit = Math.min(Math.max(Math.floor(options.limit), 1), largestPage);
  const from = options.cursor === undefined ? null : decodeCursor(options.cursor);
  const files = await openInOrder(options.file);
  try {
    const wanted = scopeFilter(options.scope);
    return from === null ? await newest(files, limit, wanted) : await following(files, from, limit, wanted);
  } catch (error) {
    throw storageError(error, "The log could not be read");
  } finally {
    await Promise.all(files.map((file) => file.handle.close()));
  }
}

const largestPage = 5_000;
/** Enough for any setting of `keep`. */
const mostRotated = 100;
const chunkBytes = 64 * 1024;
/** A call with a scope that nothing matches stops after this much and hands back a cursor. */
const mostScannedBytes = 32 * 1024 * 1024;

interface OpenFile {
  readonly handle: FileHandle;
  readonly inode: string;
  /** What the file begins with: an inode is given to a new file as soon as the old one is gone. */
  readonly birth: string;
}

interface Position {
  readonly inode: string;
  readonly birth: string;
  readonly offset: number;
}

type LineFilter = (line: string) => boolean;

// ---------------------------------------------------------------- pages

async function following(
  files: readonly OpenFile[],
  from: Position,
  limit: number,
  wanted: LineFilter,
): Promise<LogTail> {
  // A cursor made before the first line knows the inode alone.
  const found = files.findIndex(
    (file) => file.inode === from.inode && (from.birth === "" || file.birth === from.birth),
  );
  // The file of the cursor is gone: go on with the oldest that is left.
  const start = Math.max(found, 0);
  const lines: string[] = [];
  let position: Position = from;
  let budget = mostScannedBytes;
  for (const [index, file] of files.entries()) {
    if (index < start) continue;
    let offset = index === found ? from.offset : 0;
    const isNewest = index === files.length - 1;
    for await (const line of linesFrom(file.handle, offset, isNewest)) {
      offset = line.end;
      budget -= line.bytes;
      if (wanted(line.text)) lines.push(line.text);
      if (lines.length >= limit || budget <= 0) return { lines, cursor: encodeCursor(positionIn(file, offset)) };
    }
    position = positionIn(file, offset);
  }
  return { lines, cursor: encodeCursor(position) };
}

/** The newest lines that match, found from the end so that a large log costs no more than a small one. */
async function newest(files: readonly OpenFile[], limit: number, wanted: LineFilter): Promise<LogTail> {
  let lines: string[] = [];
  let end: Position = { inode: "0", birth: "", offset: 0 };
  let budget = mostScannedBytes;
  for (const file of files.toReversed()) {
    const isNewest = file === files.at(-1);
    const { size } = await file.handle.stat();
    let upper = isNewest ? await endOfLastLine(file.handle, size) : size;
    if (isNewest) end = positionIn(file, upper);
    while (upper > 0 && lines.length < limit && budget > 0) {
      const lower = await lineStartBefore(file.handle, upper);
      const block: string[] = [];
      for await (const line of linesFrom(file.handle, lower, false, upper))
        if (wanted(line.text)) block.push(line.text);
      lines = [...block, ...lines];
      budget -= upper - lower;
      upper = lower;
    }
  }
  return { lines: lines.slice(-limit), cursor: encodeCursor(end) };
}

// ---------------------------------------------------------------- files

/**
 * Every file of the log, oldest first. A rotation under way renames them one by one; looking twice and finding the
 * same is what says that none was missed or seen twice.
 */
async function openInOrder(path: string): Promise<readonly OpenFile[]> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const opened = await openAll(path);
    const again = await inodesOf(path);
    if (opened.map((file) => file.inode).join() === again.join()) return opened;
    await Promise.all(opened.map((file) => file.handle.close()));
  }
  throw new AppError("STORE_001", "The log rotates faster than it can be read.", { retry: "now" });
}

async function openAll(path: string): Promise<readonly OpenFile[]> {
  const files: OpenFile[] = [];
  for (const name of await namesOf(path)) {
    const handle = await openIfThere(name);
    if (handle === null) continue;
    const { ino } = await handle.stat({ bigint: true });
    files.push({ handle, inode: String(ino), birth: await birthOf(handle) });
  }
  return files;
}

async function inodesOf(path: string): Promise<readonly string[]> {
  const inodes: string[] = [];
  for (const name of await namesOf(path)) {
    const found = await statIfThere(name);
    if (found !== null) inodes.push(found);
  }
  return inodes;
}

/** Names that may exist, oldest first: up to the first rotation that is missing, and one step beyond a gap. */
async function namesOf(path: string): Promise<readonly string[]> {
  const names = [path];
  let missing = 0;
  for (let index = 1; index <= mostRotated && missing < 2; index += 1) {
    const name = rotatedPath(path, index);
    missing = (await statIfThere(name)) === null ? missing + 1 : 0;
    names.unshift(name);
  }
  return names;
}

async function statIfThere(path: string): Promise<string | null> {
  try {
    return String((await stat(path, { bigint: true })).ino);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}

/** The time in the first line; empty for a file without one yet. */
async function birthOf(handle: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
  return /"time":"([^"]{1,40})"/.exec(buffer.toString("utf8", 0, bytesRead))?.[1] ?? "";
}

function positionIn(file: OpenFile, offset: number): Position {
  return { inode: file.inode, birth: file.birth, offset };
}

// ---------------------------------------------------------------- lines

interface Line {
  readonly text: string;
  readonly bytes: number;
  /** Offset behind its line break. */
  readonly end: number;
}

/** Lines between two offsets. `whole`: a last line without its break is still being written, and left for later. */
async function* linesFrom(
  handle: FileHandle,
  start: number,
  whole: boolean,
  until = Number.POSITIVE_INFINITY,
): AsyncGenerator<Line> {
  let pending = Buffer.alloc(0);
  let end = start;
  for (;;) {
    const at = end + pending.length;
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, until - at));
    const { bytesRead } = chunk.length === 0 ? { bytesRead: 0 } : await handle.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) break;
    pending = Buffer.concat([pending, chunk.subarray(0, bytesRead)]);
    let from = 0;
    for (let stop = pending.indexOf(0x0a, from); stop !== -1; stop = pending.indexOf(0x0a, from)) {
      end += stop + 1 - from;
      if (stop > from) yield { text: pending.toString("utf8", from, stop), bytes: stop + 1 - from, end };
      from = stop + 1;
    }
    pending = pending.subarray(from);
  }
  if (!whole && pending.length > 0)
    yield { text: pending.toString("utf8"), bytes: pending.length, end: end + pending.length };
}

async function endOfLastLine(handle: FileHandle, size: number): Promise<number> {
  if (size === 0) return 0;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a ? size : lineBreakBefore(handle, size);
}

/** A line start about one chunk before an offset, or further where a line is longer than that. */
async function lineStartBefore(handle: FileHandle, upper: number): Promise<number> {
  return upper <= chunkBytes ? 0 : lineBreakBefore(handle, upper - chunkBytes);
}

/** The offset behind the last line break before an offset; 0 where there is none. */
async function lineBreakBefore(handle: FileHandle, upper: number): Promise<number> {
  for (let high = upper; high > 0; high = Math.max(0, high - chunkBytes)) {
    const low = Math.max(0, high - chunkBytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(high - low), 0, high - low, low);
    const found = buffer.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (found !== -1) return low + found + 1;
  }
  return 0;
}

function scopeFilter(scope: string | undefined): LineFilter {
  if (scope === undefined || scope === "") return () => true;
  return (line) => {
    // Most lines are another subsystem's: only those that may match are parsed.
    if (!line.includes(scope)) return false;
    const found = scopeOf(line);
    return found === scope || found.startsWith(`${scope}.`);
  };
}

function scopeOf(line: string): string {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null && "scope" in parsed ? String(parsed.scope) : "";
  } catch (error) {
    // Half a line of a process that was killed belongs to no subsystem.
    if (error instanceof SyntaxError) return "";
    throw error;
  }
}

// ---------------------------------------------------------------- cursor

const cursorPattern = /^(\d{1,20})\.([\w:.-]{0,40})\.(\d{1,16})$/;

function encodeCursor({ inode, birth, offset }: Position): string {
  return Buffer.from(`${inode}.${birth}.${offset}`).toString("base64url");
}

function decodeCursor(cursor: string): Position {
  const match = cursorPattern.exec(cursor.length > 200 ? "" : Buffer.from(cursor, "base64url").toString("utf8"));
  if (match === null)
    throw new AppError("RPC_003", "cursor is none that logs.tail gave.", { details: { field: "cursor" } });
  const [, inode = "", birth = "", offset = ""] = match;
  return { inode, birth, offset: Number(offset) };
}
