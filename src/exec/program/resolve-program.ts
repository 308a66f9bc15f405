/**
 * From a name to the one file that would be started, and whether the assistant could exchange it. A name without a slash is
 * looked for in the cleaned search path alone: never in the folder in which the command runs.
 */
import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import { isInside } from "../../platform/safe-path.ts";
import type { PinnedFile } from "../contract.ts";

export interface FoundProgram {
  /** As the line names it. */
  readonly name: string;
  /** Absolute: what is started. The real path, but where a program tells by its name what it is to do, that name. */
  readonly start: string;
  /** By its real path. */
  readonly pin: PinnedFile;
}

export interface SearchPlace {
  /** Absolute and real. */
  readonly cwd: string;
  /** PATH of the command. */
  readonly searchPath: string;
}

/** Null where there is no such file that can be executed. Never throws. */
export async function findProgram(name: string, { cwd, searchPath }: SearchPlace): Promise<FoundProgram | null> {
  // A backslash divides folders on one system and is part of a name on another: nobody means the latter.
  if (name === "" || name.includes("\0") || name.includes("\\")) return null;
  const places = name.includes("/")
    ? [path.resolve(cwd, name)]
    : searchPath.split(path.delimiter).flatMap((folder) => (path.isAbsolute(folder) ? [path.join(folder, name)] : []));
  for (const place of places) {
    const found = await pinProgram(place);
    if (found === null) continue;
    const start = path.basename(found.path) === path.basename(place) ? found.path : place;
    return { name, start, pin: found };
  }
  return null;
}

/** The real file behind a path, by device and inode; null where there is none that can be executed. */
export async function pinProgram(place: string): Promise<PinnedFile | null> {
  try {
    const real = await realpath(place);
    const found = await stat(real);
    if (!found.isFile()) return null;
    if (process.platform !== "win32" && (found.mode & 0o111) === 0) return null;
    return { path: real, device: found.dev, inode: found.ino };
  } catch {
    // Whatever keeps us from seeing it would keep us from starting it.
    return null;
  }
}

/**
 * Whether somebody other than its owner could put another file in its place, or the assistant could: it lies where the
 * assistant writes, or it or a folder above it is open to a group or to everybody.
 */
export async function isExchangeable(file: string, writableRoots: readonly string[]): Promise<boolean> {
  if (writableRoots.some((root) => isInside(root, file))) return true;
  if (process.platform === "win32") return false;
  for (let place = file; ; place = path.dirname(place)) {
    const found = await stat(place).catch(() => null);
    if (found === null || (found.mode & 0o022) !== 0) return true;
    if (place === path.dirname(place)) return false;
  }
}
