/**
 * One effect for one idempotency key. Calls with the same key at the same time share one piece of work; later ones get
 * its stored result, over restarts too; the same key with other content is refused.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import type { IdempotencyStore } from "../../store/idempotency-port.ts";

export interface OnceKey {
  readonly principalId: string;
  readonly method: string;
  readonly key: string;
}

export interface Once {
  /** Joins calls under way only; what came before must be known from elsewhere. */
  join<T>(key: OnceKey, contentHash: string, work: () => Promise<T>): Promise<T>;
  /**
   * Joins, and keeps the result. `work` may run again where a process died before its result was kept: it must then
   * find its effect by an id that follows from the key.
   */
  keep<T>(key: OnceKey, contentHash: string, work: () => Promise<T>): Promise<T>;
  /** Drops keys whose time is over. */
  prune(): Promise<number>;
  inFlight(): number;
}

export function createOnce(store: IdempotencyStore, clock: Clock): Once {
  const underWay = new Map<string, { readonly contentHash: string; readonly result: Promise<unknown> }>();

  function join<T>(key: OnceKey, contentHash: string, work: () => Promise<T>): Promise<T> {
    const name = JSON.stringify([key.principalId, key.method, key.key]);
    const known = underWay.get(name);
    if (known !== undefined) {
      if (known.contentHash !== contentHash) throw requestConflict();
      // Same key, same content: the type is that of the same method's work.
      return known.result as Promise<T>;
    }
    const result = work().finally(() => underWay.delete(name));
    underWay.set(name, { contentHash, result });
    return result;
  }

  return {
    join,
    keep(key, contentHash, work) {
      return join(key, contentHash, async () => {
        const begun = await store.begin(key, contentHash, clock.nowMs());
        if (begun.outcome === "conflict") throw requestConflict();
        if (begun.outcome === "known" && begun.result !== null) return begun.result as Awaited<ReturnType<typeof work>>;
        const result = await work();
        await store.complete(key, result, clock.nowMs());
        return result;
      });
    },
    prune: () => store.prune(clock.nowMs() - limits.idempotencyTtlMs),
    inFlight: () => underWay.size,
  };
}

export function requestConflict(): AppError {
  return new AppError("RPC_006", "idempotency key was already used with other content", {
    details: { code: "chat-request-conflict", reason: "chat-request-conflict" },
  });
}
