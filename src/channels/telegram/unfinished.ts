/**
 * How far pieces came that are several messages of the platform and of which one was refused for now: behind a restart
 * too, or what stands already would be said again. Bounded; a piece that is finished is forgotten.
 */
import type { AccountMemory } from "../contract.ts";

const key = "unfinished";
const maxPieces = 64;

export interface Progress {
  /** Messages that stand. */
  readonly done: number;
  /** The platform's id of the first of them. */
  readonly first: string | null;
}

export class Unfinished {
  readonly #memory: AccountMemory;
  readonly #pieces: Map<string, Progress>;

  private constructor(memory: AccountMemory, pieces: Map<string, Progress>) {
    this.#memory = memory;
    this.#pieces = pieces;
  }

  static async load(memory: AccountMemory): Promise<Unfinished> {
    const kept = await memory.get(key);
    const entries: readonly unknown[] = Array.isArray(kept) ? kept : [];
    return new Unfinished(memory, new Map(entries.filter(isEntry)));
  }

  of(pieceId: string): Progress | null {
    return this.#pieces.get(pieceId) ?? null;
  }

  /** Resolves when it is durable. */
  async note(pieceId: string, progress: Progress): Promise<void> {
    this.#pieces.delete(pieceId);
    this.#pieces.set(pieceId, progress);
    const [oldest] = this.#pieces.keys();
    if (this.#pieces.size > maxPieces && oldest !== undefined) this.#pieces.delete(oldest);
    await this.#memory.put(key, [...this.#pieces]);
  }

  async forget(pieceId: string): Promise<void> {
    if (this.#pieces.delete(pieceId)) await this.#memory.put(key, [...this.#pieces]);
  }
}

function isEntry(value: unknown): value is [string, Progress] {
  if (!Array.isArray(value) || typeof value[0] !== "string") return false;
  const progress = value[1] as Partial<Record<keyof Progress, unknown>> | null;
  return typeof progress === "object" && progress !== null && Number.isSafeInteger(progress.done);
}
