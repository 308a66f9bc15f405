/** What the main thread may ask of the memory's thread, and how questions and answers travel. Plain data alone. */
import type { AppErrorJson } from "../../domain/app-error.ts";

/** Which agent's index: one file each. */
export interface Place {
  readonly agentId: string;
  /** The index file, absolute. */
  readonly file: string;
  readonly workspace: string;
}

/** A model of vectors: those of two spaces cannot be compared. */
export interface Space {
  readonly provider: string;
  readonly model: string;
  readonly dimensions: number;
}

export interface LookResult {
  readonly files: number;
  readonly chunks: number;
  readonly changed: number;
  readonly troubles: readonly string[];
}

export interface FoundChunk {
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly text: string;
  readonly foreign: string | null;
  readonly score: number;
}

export interface IndexState {
  readonly files: number;
  readonly chunks: number;
  /** With a vector of the space in use. */
  readonly embedded: number;
  /** What questions are compared in; null where there are no vectors. */
  readonly active: Space | null;
  /** What is being made to take its place. */
  readonly building: Space | null;
  /** Why this machine cannot compare vectors; null where it can. */
  readonly withoutVectors: string | null;
  readonly troubles: readonly string[];
  readonly lastIndexedMs: number | null;
}

export interface PendingText {
  /** Hexadecimal; of the text and its audience. */
  readonly hash: string;
  readonly text: string;
}

export interface Calls {
  look: { args: { place: Place; all: boolean; nowMs: number }; result: LookResult };
  search: {
    args: {
      place: Place;
      query: string;
      /** Of the active space; null: words alone. */
      vector: Float32Array | null;
      /** The highest audience that may be shown. */
      audience: number;
      limit: number;
    };
    result: readonly FoundChunk[];
  };
  read: {
    args: { place: Place; path: string; audience: number; from: number; count: number };
    result: { text: string; foreign: readonly string[] } | null;
  };
  forget: {
    args: {
      place: Place;
      path: string;
      startLine: number;
      endLine: number;
      containing: string | null;
      audience: number;
      nowMs: number;
    };
    result: { outcome: "gone"; pieces: number } | { outcome: "unknown" | "changed" };
  };
  state: { args: { place: Place }; result: IndexState };
  spaces: { args: { place: Place }; result: Pick<IndexState, "active" | "building" | "withoutVectors"> };
  /** The next texts without a vector of this model. The space that is being made is the one that is asked for. */
  pending: {
    args: { place: Place; provider: string; model: string; limit: number; maxBytes: number };
    /** `dimensions`: of the space so far; null where it is not begun. */
    result: { texts: readonly PendingText[]; left: number; dimensions: number | null };
  };
  /** `moved`: the model answers with vectors of another length than before; all are made anew. */
  keep: {
    args: { place: Place; space: Space; hashes: readonly string[]; vectors: Float32Array };
    result: "kept" | "moved";
  };
  close: { args: Record<string, never>; result: null };
}

export type CallName = keyof Calls;

export interface Question {
  readonly id: number;
  readonly name: CallName;
  readonly args: unknown;
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: AppErrorJson }
  | { readonly log: string; readonly fields: Readonly<Record<string, unknown>> };
