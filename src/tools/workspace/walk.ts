/** Goes through the folders below one, without following a link, within bounds of number, depth and time. */
import type { Dirent } from "node:fs";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import { isTemporaryName, type SafeFolder } from "../../platform/safe-folder.ts";
import { isErrno } from "../../platform/atomic-file.ts";

export interface WalkOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Walked {
  /** Open as long as the next is not asked for. */
  readonly folder: SafeFolder;
  readonly name: string;
  /** From the folder that was begun with, `/` between its parts. */
  readonly path: string;
  readonly kind: "folder" | "file" | "other";
}

/** Folders that are made by programs and would drown what people look for; entered where they are named. */
const skipped: ReadonlySet<string> = new Set([".git", "node_modules"]);

export class Walk {
  readonly #options: WalkOptions;
  readonly #untilMs: number;
  #entries = 0;
  /** Why not everything was seen, for the model; empty where it was. */
  readonly gaps = new Set<string>();

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#untilMs = options.clock.monotonicMs() + limits.walkMs;
  }

  /** Folders before what is in them, names in order. The caller closes the folder it began with. */
  async *below(folder: SafeFolder, prefix = "", depth = 1): AsyncGenerator<Walked> {
    const entries = await this.#entriesOf(folder);
    for (const entry of entries) {
      if (this.#isOver()) return;
      const path = `${prefix}${entry.name}`;
      const kind = await kindOfEntry(folder, entry);
      yield { folder, name: entry.name, path, kind };
      if (kind !== "folder" || skipped.has(entry.name)) continue;
      if (depth >= limits.walkDepth) {
        this.gaps.add(`folders deeper than ${limits.walkDepth} were left out`);
        continue;
      }
      const child = await this.#opened(folder, entry.name);
      if (child === null) continue;
      try {
        yield* this.below(child, `${path}/`, depth + 1);
      } finally {
        await child.close();
      }
    }
  }

  async #entriesOf(folder: SafeFolder): Promise<readonly Dirent[]> {
    const entries: Dirent[] = [];
    for await (const entry of folder.entries()) {
      if (this.#isOver()) break;
      this.#entries += 1;
      if (!isTemporaryName(entry.name)) entries.push(entry);
    }
    return entries.toSorted((left, right) => (left.name < right.name ? -1 : 1));
  }

  #isOver(): boolean {
    this.#options.signal.throwIfAborted();
    if (this.#entries >= limits.walkEntries) this.gaps.add(`only ${limits.walkEntries} entries were looked at`);
    else if (this.#options.clock.monotonicMs() > this.#untilMs) this.gaps.add("there was no time for the rest");
    else return false;
    return true;
  }

  /** Null where it may not be opened, or is something else by now. */
  async #opened(folder: SafeFolder, name: string): Promise<SafeFolder | null> {
    try {
      return await folder.child(name);
    } catch (error) {
      if (isErrno(error, "EACCES", "EPERM")) this.gaps.add("some folders may not be opened");
      else if (!isErrno(error, "ENOENT") && !(error instanceof AppError)) throw error;
      return null;
    }
  }
}

/** Some file systems do not say what an entry is. */
async function kindOfEntry(folder: SafeFolder, entry: Dirent): Promise<Walked["kind"]> {
  if (entry.isDirectory()) return "folder";
  if (entry.isFile()) return "file";
  if (entry.isSymbolicLink() || entry.isFIFO() || entry.isSocket()) return "other";
  const found = await folder.inspect(entry.name);
  if (found?.isDirectory() === true) return "folder";
  return found?.isFile() === true ? "file" : "other";
}

/** What a tool adds to what it found: one line, or none. */
export function gapNote(gaps: Iterable<string>): string {
  const words = [...gaps].join("; ");
  return words === "" ? "" : `\n[${words}]`;
}
