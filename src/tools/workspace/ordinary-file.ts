/**
 * Files as the file tools take them: ordinary ones with one name. A pipe, a device and a socket are refused, and so is a
 * file with a second name (a hard link), because that may lie outside.
 */
import type { Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { privateFileMode } from "../../platform/atomic-file.ts";
import type { SafeFolder } from "../../platform/safe-folder.ts";
import { visibleName } from "./visible-name.ts";

export interface OpenFile {
  readonly handle: FileHandle;
  readonly stats: Stats;
}

/** Opens for reading; the caller closes the handle. `name` is for words. Throws RUN_003, SEC_007, or the system's error. */
export async function openOrdinary(folder: SafeFolder, leaf: string, name: string): Promise<OpenFile> {
  const found = await folder.inspect(leaf);
  if (found === null) throw missing(name, await likeIt(folder, leaf));
  // Looked at before it is opened, since opening a device can do something; and again after, since it may be another by then.
  refuseUnfit(found, name);
  const handle = await folder.openFile(leaf);
  try {
    const stats = await handle.stat();
    refuseUnfit(stats, name);
    return { handle, stats };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The whole file and what it was when it was read. Throws RUN_003 where it is larger than `maxBytes`. */
export async function readOrdinary(
  folder: SafeFolder,
  leaf: string,
  { name, maxBytes }: { readonly name: string; readonly maxBytes: number },
): Promise<{ data: Buffer; stats: Stats }> {
  const { handle, stats } = await openOrdinary(folder, leaf, name);
  try {
    const chunks: Buffer[] = [];
    let total = 0;
    for (;;) {
      // The size that stat tells is no limit: the file may grow meanwhile.
      const chunk = Buffer.allocUnsafe(Math.min(256 * 1024, maxBytes + 1 - total));
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, total);
      if (bytesRead === 0) return { data: Buffer.concat(chunks, total), stats };
      chunks.push(chunk.subarray(0, bytesRead));
      total += bytesRead;
      if (total > maxBytes) {
        throw new AppError("RUN_003", `${visibleName(name)} is larger than ${maxBytes} bytes, the most this takes.`);
      }
    }
  } finally {
    await handle.close();
  }
}

/**
 * Writes all of a file or nothing. `was`: the entry as it was looked at; null where there was none. Throws RUN_003 where
 * it is another by now, is no file to be written to, or would leave the disk too little room.
 */
export async function replaceOrdinary(
  folder: SafeFolder,
  leaf: string,
  { name, data, was, signal, mode = privateFileMode }: Replacement,
): Promise<void> {
  if (was !== null) refuseUnfit(was, name);
  if ((await folder.freeBytes()) - data.length < limits.diskReserveBytes) {
    throw new AppError(
      "RUN_003",
      `${visibleName(name)} was not written: the disk is nearly full. Nothing was changed. Free some space, or write less.`,
    );
  }
  await folder.replace(leaf, data, {
    // What a file may be run or read by stays; bits that give its runner somebody else's rights do not.
    mode: was === null ? mode : was.mode & 0o777,
    beforeRename: async () => {
      signal?.throwIfAborted();
      await refuseChanged(folder, leaf, { name, was });
    },
  });
}

interface Replacement {
  readonly name: string;
  readonly data: Uint8Array;
  readonly was: Stats | null;
  readonly signal?: AbortSignal;
  /** Permission bits of a new file; its owner's alone where left out. */
  readonly mode?: number;
}

/** Throws RUN_003 where the entry is not what it was when it was looked at. */
export async function refuseChanged(
  folder: SafeFolder,
  leaf: string,
  { name, was }: { readonly name: string; readonly was: Stats | null },
): Promise<void> {
  if (isSame(was, await folder.inspect(leaf))) return;
  throw new AppError(
    "RUN_003",
    `${visibleName(name)} was changed by somebody else meanwhile; nothing was written. Read it again first.`,
  );
}

/** Throws RUN_003 where the entry is a folder, SEC_007 where it is no ordinary file with one name. */
export function refuseUnfit(found: Stats, name: string): void {
  if (found.isDirectory()) throw new AppError("RUN_003", `${visibleName(name)} is a folder, not a file.`);
  if (!found.isFile()) {
    throw new AppError("SEC_007", `${visibleName(name)} is not an ordinary file (${kindOf(found)}); it is not opened.`);
  }
  if (found.nlink > 1) {
    throw new AppError(
      "SEC_007",
      `${visibleName(name)} has a second name somewhere (a hard link), which may be outside the workspace; it is not opened. A copy of it can be.`,
    );
  }
}

export function kindOf(
  found: Pick<Stats, "isFIFO" | "isSocket" | "isSymbolicLink" | "isDirectory" | "isFile">,
): string {
  if (found.isFile()) return "file";
  if (found.isDirectory()) return "folder";
  if (found.isSymbolicLink()) return "link";
  if (found.isFIFO()) return "pipe";
  return found.isSocket() ? "socket" : "device";
}

function isSame(was: Stats | null, now: Stats | null): boolean {
  if (was === null || now === null) return was === now;
  return was.ino === now.ino && was.dev === now.dev && was.size === now.size && was.mtimeMs === now.mtimeMs;
}

function missing(name: string, like: string | null): AppError {
  const hint =
    like === null ? "" : ` There is ${visibleName(like)} in that folder: names are told apart letter by letter.`;
  return new AppError("RUN_003", `${visibleName(name)} does not exist.${hint}`);
}

/** A name that a person would take for the same: other case, other form of the same letters, blanks at the end. */
async function likeIt(folder: SafeFolder, leaf: string): Promise<string | null> {
  const wanted = plainForm(leaf);
  let seen = 0;
  for await (const { name } of folder.entries()) {
    if (plainForm(name) === wanted) return name;
    seen += 1;
    if (seen > limits.folderEntriesShown) return null;
  }
  return null;
}

function plainForm(name: string): string {
  return name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[. ]+$/, "");
}
