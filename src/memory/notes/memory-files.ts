/**
 * The files of a memory as they lie in a workspace: `MEMORY.md` and `memory/*.md`. Owns which there are and how they are
 * read: bounded, as text, and never through a link, because what a link leads to has an audience of its own.
 */
import { constants } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { isErrno } from "../../platform/atomic-file.ts";
import { openInside, resolveInside } from "../../platform/safe-path.ts";
import { notesFolder } from "./append-note.ts";

export interface FoundFile {
  /** Relative to the workspace, with slashes. */
  readonly path: string;
  readonly mtimeMs: number;
  readonly sizeBytes: number;
}

export interface Listing {
  readonly files: readonly FoundFile[];
  /** What was left out, one sentence each. */
  readonly troubles: readonly string[];
}

export const longTermFile = "MEMORY.md";

/** Sorted by path. A workspace that is not there has no files. Throws nothing. */
export async function listMemoryFiles(workspace: string): Promise<Listing> {
  const troubles: string[] = [];
  const names = [longTermFile, ...(await notesOf(workspace, troubles))];
  const files: FoundFile[] = [];
  for (const name of names.slice(0, limits.memoryFiles)) {
    const found = await look(workspace, name);
    if (found === null) continue;
    if (typeof found === "string") troubles.push(found);
    else files.push(found);
  }
  if (names.length > limits.memoryFiles) troubles.push(`More than ${limits.memoryFiles} files; the rest is left out.`);
  return { files, troubles };
}

/** What is broken in it becomes a replacement sign; the rest can be found. Line for line the same as the bytes. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: false }).decode(bytes).replaceAll("\r\n", "\n");
}

/**
 * Null where it is gone. Throws MSG_003 where it is too large, MSG_001 where it is no text, SEC_007 where a link stands in
 * the way.
 */
export async function readMemoryFile(workspace: string, name: string): Promise<Buffer | null> {
  const bytes = await readBounded(workspace, name);
  if (bytes?.includes(0) === true) throw new AppError("MSG_001", `${name} is not text and is left out.`);
  return bytes;
}

async function readBounded(workspace: string, name: string): Promise<Buffer | null> {
  try {
    const safe = await resolveInside(workspace, name);
    const handle = await openInside(safe, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const { size } = await handle.stat();
      if (size > limits.memoryFileBytes) throw tooLarge(name);
      const bytes = Buffer.alloc(size + 1);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
      // It grew while it was read: what is there now is looked at with the next look.
      return bytes.subarray(0, Math.min(bytesRead, size));
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT")) return null;
    throw thrown;
  }
}

function tooLarge(name: string): AppError {
  return new AppError("MSG_003", `${name} is larger than ${limits.memoryFileBytes} bytes and is left out.`);
}

async function notesOf(workspace: string, troubles: string[]): Promise<readonly string[]> {
  try {
    const { path: folder } = await resolveInside(workspace, notesFolder);
    const names = await readdir(folder);
    return names
      .filter((name) => name.endsWith(".md") && !name.startsWith("."))
      .toSorted((left, right) => (left < right ? -1 : 1))
      .map((name) => `${notesFolder}/${name}`);
  } catch (thrown) {
    const isMissing =
      isErrno(thrown, "ENOENT") || (thrown instanceof AppError && isErrno(thrown.cause, "ENOENT", "ENOTDIR"));
    if (!isMissing) troubles.push(`${notesFolder}: ${AppError.from(thrown).message}`);
    return [];
  }
}

/** A sentence where it is there and left out. */
async function look(workspace: string, name: string): Promise<FoundFile | string | null> {
  try {
    const stats = await lstat(path.join(workspace, ...name.split("/")));
    if (stats.isSymbolicLink()) return `${name} is a link and is left out.`;
    if (!stats.isFile()) return `${name} is no ordinary file and is left out.`;
    if (stats.size > limits.memoryFileBytes) return tooLarge(name).message;
    return { path: name, mtimeMs: stats.mtimeMs, sizeBytes: stats.size };
  } catch (thrown) {
    return isErrno(thrown, "ENOENT", "ENOTDIR") ? null : `${name}: ${AppError.from(thrown).message}`;
  }
}
