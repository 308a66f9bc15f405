/**
 * Documents that are written a moment after they changed, in the background: what changes often is written once. What the
 * disk refuses is tried again with the next change, and at the end.
 */
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { DocumentStore } from "../store/document-port.ts";

export interface WrittenBehindDeps {
  readonly documents: Pick<DocumentStore, "put" | "delete">;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  /** What stands there now; undefined: the document goes. */
  readonly valueOf: (key: string) => unknown;
}

export class WrittenBehind {
  readonly #deps: WrittenBehindDeps;
  #changed = new Set<string>();
  #timer: Timer | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(deps: WrittenBehindDeps) {
    this.#deps = deps;
  }

  change(key: string): void {
    this.#changed.add(key);
    this.#timer ??= this.#deps.clock.after(limits.modelStandingWriteMs, () => {
      this.#timer = null;
      this.#writing = this.#writing.then(() => this.#write());
    });
  }

  /** Writes what is still open. Never throws. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.#writing;
    await this.#write();
  }

  async #write(): Promise<void> {
    const { documents, clock, log, namespace, valueOf } = this.#deps;
    const keys = this.#changed;
    this.#changed = new Set();
    const atMs = clock.nowMs();
    const writes = [...keys].map(async (key) => {
      const value = valueOf(key);
      try {
        if (value === undefined) await documents.delete(namespace, key);
        else await documents.put(namespace, key, value, atMs);
      } catch (thrown) {
        this.#changed.add(key);
        log.warn("what is known of the models could not be kept", { key, error: AppError.from(thrown).toJSON() });
      }
    });
    await Promise.all(writes);
  }
}
