/** What one search has found so far, file by file, and what it left out. */
import { limits } from "../../domain/limits.ts";
import type { Taint } from "../../domain/taint.ts";
import { AppError } from "../../domain/app-error.ts";
import type { SafeFolder } from "../../platform/safe-folder.ts";
import { readOrdinary } from "../workspace/ordinary-file.ts";
import type { Place } from "../workspace/place.ts";
import type { Provenance } from "../workspace/provenance.ts";
import { contentOf } from "../workspace/text.ts";
import { visibleName } from "../workspace/visible-name.ts";
import type { Matcher } from "./matcher.ts";

export interface SearchDeps {
  readonly matcher: Matcher;
  readonly provenance: Provenance;
  /** Where it began. */
  readonly place: Place;
  readonly limit: number;
}

export class Search {
  readonly #deps: SearchDeps;
  readonly lines: string[] = [];
  /** Of the files in which something was found. */
  readonly foreign: (Taint | null)[] = [];
  #unread = 0;
  #large = 0;
  isFull = false;

  constructor(deps: SearchDeps) {
    this.#deps = deps;
  }

  /** `path`: from where the search began, empty for the file that it began with. A file of many that cannot be read is counted. */
  async file(folder: SafeFolder, leaf: string, path: string): Promise<void> {
    const { place, matcher, provenance, limit } = this.#deps;
    const name = [place.name === "." ? "" : place.name, path].filter((part) => part !== "").join("/");
    const data = path === "" ? await readWhole(folder, leaf, name) : await this.#read(folder, leaf, name);
    const text = data === null ? null : textOf(data);
    if (text === null) return;
    const most = limit - this.lines.length + 1;
    const found = await matcher.matches({ text, most, lineChars: limits.grepLineChars });
    if (found.length === 0) return;
    this.isFull = found.length === most;
    this.foreign.push(await provenance.of(path === "" ? place.safe.path : `${place.safe.path}/${path}`));
    for (const match of found.slice(0, most - 1)) {
      this.lines.push(`${visibleName(name)}:${match.line}: ${match.text}`);
    }
  }

  gaps(): readonly string[] {
    return [
      ...(this.isFull ? [`there are more than ${this.#deps.limit} lines: narrow the search`] : []),
      ...(this.#large > 0 ? [`${this.#large} files larger than ${limits.grepFileBytes} bytes were left out`] : []),
      ...(this.#unread > 0 ? [`${this.#unread} files could not be opened`] : []),
    ];
  }

  async #read(folder: SafeFolder, leaf: string, name: string): Promise<Buffer | null> {
    try {
      const found = await folder.inspect(leaf);
      if (found !== null && found.size > limits.grepFileBytes) {
        this.#large += 1;
        return null;
      }
      return await readWhole(folder, leaf, name);
    } catch (error) {
      // It went away, is somebody else's, or has a second name: the others are still to be searched.
      if (!(error instanceof AppError) && !(error instanceof Error && "syscall" in error)) throw error;
      this.#unread += 1;
      return null;
    }
  }
}

async function readWhole(folder: SafeFolder, leaf: string, name: string): Promise<Buffer> {
  return (await readOrdinary(folder, leaf, { name, maxBytes: limits.grepFileBytes })).data;
}

/** Null where it is no text. */
function textOf(data: Buffer): string | null {
  const content = contentOf(data.subarray(0, 8 * 1024));
  if (content.kind !== "text") return null;
  return new TextDecoder(content.form.encoding).decode(data);
}
