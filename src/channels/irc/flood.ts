/**
 * Keeps us below what servers punish as flooding, in two ways: a token bucket over lines, and never more than a burst
 * of lines that the server has not confirmed, so that a server which slows us down is never outrun.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Clock, Timer } from "../../platform/clock.ts";

export interface FloodLimit {
  readonly burst: number;
  readonly perSecond: number;
}

interface Waiter {
  admit(): void;
  refuse(error: AppError): void;
}

export class FloodGate {
  readonly #limit: FloodLimit;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();
  #tokens: number;
  #filledMs: number;
  #unconfirmed = 0;
  #timer: Timer | null = null;
  #closedBy: AppError | null = null;

  constructor(limit: FloodLimit, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
    this.#tokens = limit.burst;
    this.#filledMs = clock.monotonicMs();
  }

  /** Resolves when one line may be written, in the order asked. Rejects with the signal's reason while it waits. */
  enter(signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(waiter);
        reject(AppError.from(signal.reason, "CONN_001"));
      };
      const waiter: Waiter = {
        admit() {
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
        refuse(error) {
          signal.removeEventListener("abort", onAbort);
          reject(error);
        },
      };
      if (this.#closedBy !== null) waiter.refuse(this.#closedBy);
      else if (signal.aborted) onAbort();
      else {
        signal.addEventListener("abort", onAbort, { once: true });
        this.#waiting.add(waiter);
        this.#pump();
      }
    });
  }

  /** The server has confirmed one line, or will not any more. Once for every `enter` that resolved. */
  confirmed(): void {
    this.#unconfirmed = Math.max(0, this.#unconfirmed - 1);
    this.#pump();
  }

  /** Everybody who waits is turned away with this error, and everybody who comes. */
  close(error: AppError): void {
    this.#closedBy = error;
    this.#timer?.cancel();
    this.#timer = null;
    for (const waiter of this.#waiting) waiter.refuse(error);
    this.#waiting.clear();
  }

  #pump(): void {
    this.#refill();
    for (const waiter of this.#waiting) {
      if (this.#unconfirmed >= this.#limit.burst) return;
      if (this.#tokens < 1) {
        this.#schedule();
        return;
      }
      this.#tokens -= 1;
      this.#unconfirmed += 1;
      this.#waiting.delete(waiter);
      waiter.admit();
    }
  }

  #refill(): void {
    const nowMs = this.#clock.monotonicMs();
    const gained = ((nowMs - this.#filledMs) / 1_000) * this.#limit.perSecond;
    this.#tokens = Math.min(this.#limit.burst, this.#tokens + gained);
    this.#filledMs = nowMs;
  }

  #schedule(): void {
    const waitMs = Math.ceil(((1 - this.#tokens) / this.#limit.perSecond) * 1_000);
    this.#timer ??= this.#clock.after(waitMs, () => {
      this.#timer = null;
      this.#pump();
    });
  }
}
