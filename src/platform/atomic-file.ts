/**
 * Files that are whole or not there: written beside their place, forced to disk, renamed. Everything this makes is
 * readable by its owner alone, whatever the process's umask is. A reader sees the old content or the new, also after
 * a power cut.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { chmod, mkdir, open, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { AppError } from "../domain/app-error.ts";

export const privateFileMode = 0o600;
export const privateDirMode = 0o700;

/**
 * Resolves when the content is durable. The folder must exist. A symbolic link at `path` is replaced, not followed.
 * Throws STORE_002 where the disk is full and STORE_001 otherwise; the old content is untouched then.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: { readonly mode?: number } = {},
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}${temporaryEnding}`);
  try {
    await writeDurably(temporary, data, options.mode ?? privateFileMode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => "the next sweep takes it");
    throw storageError(error, `${path} could not be written`);
  }
  await syncDirectory(dirname(path));
}

/**
 * The whole file; null where there is none. Throws MSG_003 where it is larger, STORE_001 where it is no ordinary file
 * or cannot be read. Never reads more than the limit and one byte.
 */
export async function readFileBounded(path: string, maxBytes: number): Promise<Buffer | null> {
  let handle: FileHandle;
  try {
    // Without O_NONBLOCK, opening a named pipe waits for a writer for ever.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return null;
    throw storageError(error, `${path} could not be opened`);
  }
  try {
    if (!(await handle.stat()).isFile()) throw new AppError("STORE_001", `${path} is not an ordinary file.`);
    return await readUpTo(handle, maxBytes, path);
  } catch (error) {
    throw storageError(error, `${path} could not be read`);
  } finally {
    await handle.close();
  }
}

/**
 * Makes the folder and those above it that are missing, each for its owner alone. A folder that was there keeps its
 * mode, because it may be somebody else's, unless `tighten` says that it is ours to close.
 */
export async function ensurePrivateDir(path: string, options: { readonly tighten?: boolean } = {}): Promise<void> {
  const full = resolve(path);
  try {
    if (await makePrivateDir(full)) return;
    const found = await stat(full);
    if (!found.isDirectory()) throw new AppError("STORE_001", `${full} is not a folder.`);
    if (options.tighten === true && (found.mode & 0o077) !== 0) await chmod(full, privateDirMode);
  } catch (error) {
    throw storageError(error, `The folder ${full} could not be made`);
  }
}

/** Removes what writes that were killed left in a folder. Younger files may still be in use, and stay. */
export async function sweepTemporaries(
  directory: string,
  options: { olderThanMs: number; nowMs: number },
): Promise<number> {
  let removed = 0;
  for (const name of await readdir(directory)) {
    if (!name.startsWith(".") || !name.endsWith(temporaryEnding)) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(() => null);
    if (found === null || options.nowMs - found.mtimeMs < options.olderThanMs) continue;
    await rm(path, { force: true });
    removed += 1;
  }
  return removed;
}

/** A failure of the medium with its code: STORE_002 for no space, STORE_001 for the rest; ours stay what they are. */
export function storageError(error: unknown, message: string): AppError {
  if (error instanceof AppError) return error;
  if (isErrno(error, "ENOSPC", "EDQUOT"))
    return new AppError("STORE_002", `${message}: the disk is full.`, { cause: error });
  const reason = error instanceof Error ? error.message : String(error);
  return new AppError("STORE_001", `${message}: ${reason}`, { cause: error });
}

export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

const temporaryEnding = ".tmp";

async function writeDurably(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  const handle = await open(path, "wx", mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readUpTo(handle: FileHandle, maxBytes: number, path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    // The size that stat tells is no limit: the file may grow, and files of /proc have none.
    const chunk = Buffer.allocUnsafe(Math.min(64 * 1024, maxBytes + 1 - total));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length);
    if (bytesRead === 0) return Buffer.concat(chunks, total);
    total += bytesRead;
    if (total > maxBytes) {
      throw new AppError("MSG_003", `${path} is larger than ${maxBytes} bytes.`, { details: { maxBytes } });
    }
    chunks.push(chunk.subarray(0, bytesRead));
  }
}

/** False where the path was taken already. One level at a time: a umask of 777 shuts out even the maker of the parent. */
async function makePrivateDir(path: string): Promise<boolean> {
  for (;;) {
    try {
      await mkdir(path, { mode: privateDirMode });
      await chmod(path, privateDirMode);
      return true;
    } catch (error) {
      if (isErrno(error, "EEXIST")) return false;
      if (!isErrno(error, "ENOENT") || dirname(path) === path) throw error;
      await makePrivateDir(dirname(path));
    }
  }
}

/** The rename itself is durable when the folder is. Some systems cannot sync a folder; there the file's own sync must do. */
async function syncDirectory(directory: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(directory, "r");
    await handle.sync();
  } catch (error) {
    if (!isErrno(error, "EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP", "EBADF")) {
      throw storageError(error, `The folder ${directory} could not be synced`);
    }
  } finally {
    await handle?.close();
  }
}
