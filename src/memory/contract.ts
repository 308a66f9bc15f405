/**
 * What agents remember: Markdown files of the workspace that a person can read and edit (`MEMORY.md`, `memory/*.md`), and
 * an index over them that can be thrown away and made again. Files are the truth, the index follows them.
 */

/** Who looks: what was noted in private is not shown in a group. */
export interface MemoryViewer {
  readonly agentId: string;
  readonly sessionKey: string;
  readonly isGroup: boolean;
}

export interface MemoryHit {
  /** Relative to the workspace: `memory/2026-11-29.md`. */
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly text: string;
  /** 0 to 1: 0.7 of the vector's and 0.3 of the words' part; the words' part alone where there are no vectors. */
  readonly score: number;
  /** Where it came from, where it was saved while foreign words were in the context: it is as foreign as they were. */
  readonly foreign: string | null;
}

export interface MemoryText {
  readonly text: string;
  /** What of it was saved from foreign words: their sources. */
  readonly foreign: readonly string[];
}

export interface MemoryAnswer {
  readonly hits: readonly MemoryHit[];
  /** What the person may want to know: that words alone were searched, and why. Null where nothing is to be said. */
  readonly notice: string | null;
}

export interface MemoryStatus {
  readonly agentId: string;
  readonly files: number;
  readonly chunks: number;
  /** Chunks that have a vector of the model in use. */
  readonly embedded: number;
  readonly model: string | null;
  readonly indexing: boolean;
  readonly lastIndexedMs: number | null;
  /** Why vectors are not used, or what went wrong last. */
  readonly trouble: string | null;
}

/** Lines of a file, both ends counted, from 1. */
export interface MemoryLines {
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
  /** Words that must stand in these lines: where they do not, the file is another one by now and nothing is removed. */
  readonly containing?: string;
}

export interface Memory {
  /** Never empty because of a re-index under way. Throws RPC_007 where there is no such agent. */
  search(query: string, viewer: MemoryViewer, options?: { readonly limit?: number }): Promise<MemoryAnswer>;
  /**
   * Lines of one file of the memory, without those that this viewer may not see. Looked up among the known ones, never
   * joined. Throws RPC_007.
   */
  read(
    path: string,
    viewer: MemoryViewer,
    lines?: { readonly from: number; readonly count: number },
  ): Promise<MemoryText>;
  /**
   * Appends to the notes of today; resolves when it is durable and will be found. `foreign`: sources of the foreign words
   * that were in the context; the note is marked with them. Throws RPC_003 for an empty text, MSG_003 for a long one or a
   * day that is full.
   */
  save(
    text: string,
    viewer: MemoryViewer,
    options?: { readonly foreign?: readonly string[] },
  ): Promise<{ readonly path: string; readonly startLine: number }>;
  /** Takes the lines out of the file and every trace out of the index. Returns how many pieces went. Throws RPC_007. */
  forget(what: MemoryLines, viewer: MemoryViewer): Promise<number>;
  status(agentId: string): Promise<MemoryStatus>;
  /** Looks at every file anew; resolves when the index is whole. */
  index(agentId: string, options?: { readonly all?: boolean }): Promise<MemoryStatus>;
  close(): Promise<void>;
}
