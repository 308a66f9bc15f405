/**
 * Which files hold words from elsewhere. A page that an agent wrote to a file is still that page when it is read back:
 * without this, a file would wash the words clean.
 */
import { dirname, sep } from "node:path";
import { limits } from "../../domain/limits.ts";
import type { Taint } from "../../domain/taint.ts";
import type { Clock } from "../../platform/clock.ts";
import type { DocumentStore } from "../../store/document-port.ts";
import type { Place } from "./place.ts";
import { visibleName } from "./visible-name.ts";

/** Of files by their absolute path without links, whichever agent asks: two may share a workspace. */
export interface Provenance {
  /** From now on the file holds words of this origin; null: it holds none any more. Resolves when that is durable. */
  mark(path: string, taint: Taint | null): Promise<void>;
  /** The foreign origin of what is in the file; null where none is known. */
  of(path: string): Promise<Taint | null>;
}

export interface ProvenanceDeps {
  readonly documents: DocumentStore;
  readonly clock: Clock;
  /** Files that are remembered one by one. */
  readonly most?: number;
}

export function createProvenance(deps: ProvenanceDeps): Provenance {
  const record = new FileRecord(deps);
  return { mark: (path, taint) => record.mark(path, taint), of: (path) => record.of(path) };
}

/** What a file holds after words from `context` were put into it: all of it, or beside what it held before. */
export function originAfter(context: readonly Taint[], before: Taint | null): Taint | null {
  const foreign = [...(before === null ? [] : [before]), ...context.filter((taint) => taint.class === "foreign")];
  const sources = [...new Set(foreign.map(({ source }) => source))];
  const [first] = sources;
  if (first === undefined) return null;
  // A source that already tells of others is not told of more: the line stays short.
  const others = sources.length - 1;
  const source = others === 0 || first.endsWith(more) ? first : `${first}${more}`;
  return { class: "foreign", source };
}

/** Before words of a context are put into a file: it holds theirs from now on, beside what it held. */
export async function markAdded({ safe }: Place, context: readonly Taint[], provenance: Provenance): Promise<void> {
  await provenance.mark(safe.path, originAfter(context, await provenance.of(safe.path)));
}

/** Where the words of a file come from, as far as is known. */
export async function originOf({ safe, name }: Place, provenance: Provenance): Promise<Taint> {
  return (await provenance.of(safe.path)) ?? { class: "local", source: `file ${visibleName(name)}` };
}

/** The same for several files, shown together. `source` names them where none is foreign. */
export function originOfMany(foreign: readonly (Taint | null)[], source: string): Taint {
  const known = foreign.filter((taint) => taint !== null);
  return originAfter(known, null) ?? { class: "local", source };
}

const more = " and others";
const namespace = "file-provenance";

class FileRecord {
  readonly #deps: ProvenanceDeps;
  #known: Promise<Map<string, string>> | undefined;

  constructor(deps: ProvenanceDeps) {
    this.#deps = deps;
  }

  async of(path: string): Promise<Taint | null> {
    const known = await this.#load();
    if (known.size === 0) return null;
    const source = known.get(path) ?? sourceOfFolder(known, path);
    return source === undefined ? null : { class: "foreign", source };
  }

  async mark(path: string, taint: Taint | null): Promise<void> {
    const known = await this.#load();
    if (taint === null || taint.class !== "foreign") {
      if (known.delete(path)) await this.#deps.documents.delete(namespace, path);
      return;
    }
    if (known.get(path) === taint.source) return;
    // Durable before it is believed: a mark that is lost would wash the file clean.
    await this.#put(known, path, taint.source);
    if (known.size > (this.#deps.most ?? limits.foreignFiles)) await this.#foldFullest(known);
  }

  async #put(known: Map<string, string>, key: string, source: string): Promise<void> {
    await this.#deps.documents.put(namespace, key, { source }, this.#deps.clock.nowMs());
    known.set(key, source);
  }

  /** Too many to remember one by one: the folder with the most of them counts as foreign as a whole. Nothing is forgotten. */
  async #foldFullest(known: Map<string, string>): Promise<void> {
    const counts = new Map<string, number>();
    for (const key of known.keys()) {
      const folder = folderOfKey(key);
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    const [fullest] = [...counts].toSorted((left, right) => right[1] - left[1])[0] ?? [];
    if (fullest === undefined) return;
    const folded = [...known].filter(([key]) => key !== fullest && key.startsWith(fullest));
    const source = originAfter(
      folded.map(([, one]) => ({ class: "foreign", source: one })),
      null,
    )?.source;
    if (source === undefined) return;
    await this.#put(known, fullest, source);
    for (const [key] of folded) {
      known.delete(key);
      await this.#deps.documents.delete(namespace, key);
    }
  }

  /** Read once; after that this object is the only one that writes them. */
  #load(): Promise<Map<string, string>> {
    this.#known ??= this.#deps.documents.list(namespace).then(
      (rows) => new Map(rows.flatMap(({ key, value }) => (isMark(value) ? [[key, value.source] as const] : []))),
      (error: unknown) => {
        this.#known = undefined;
        throw error;
      },
    );
    return this.#known;
  }
}

/** A folder's key ends with a separator, a file's never does. */
function folderOfKey(key: string): string {
  const folder = dirname(key);
  return folder.endsWith(sep) ? folder : `${folder}${sep}`;
}

function sourceOfFolder(known: ReadonlyMap<string, string>, path: string): string | undefined {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const source = known.get(folder.endsWith(sep) ? folder : `${folder}${sep}`);
    if (source !== undefined || folder === dirname(folder)) return source;
  }
}

function isMark(value: unknown): value is { source: string } {
  return typeof value === "object" && value !== null && "source" in value && typeof value.source === "string";
}
