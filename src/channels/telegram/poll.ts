/**
 * Asks for updates, again and again. The next question confirms what the last answer held, so it is asked only after
 * all of that is durable and the cursor says so. A connection that breaks is reported and not mended here; an answer
 * that is no use is asked for again after a pause.
 */
import { AppError } from "../../domain/app-error.ts";
import type { ChannelLink } from "../contract.ts";
import type { ApiAnswer, BotApi } from "./api.ts";
import { conflictSentence, type ApiFailure } from "./api-failure.ts";
import type { Cursor } from "./cursor.ts";
import type { Intake } from "./intake.ts";
import { allowedUpdates } from "./wire.ts";

/** How long Telegram holds a question back until there is something to answer. */
export const pollTimeoutMs = 25_000;
/** Beyond it, an answer is late enough to believe in none. */
const pollGraceMs = 10_000;
/** Between two questions, where the last one did no good; the last of them from then on. */
const pausesMs: readonly number[] = [250, 500, 1_000, 2_000, 4_000, 8_000];
/** Two programs that ask for the same bot's updates end each other's questions: asked seldom, one of them goes on. */
const conflictPausesMs: readonly number[] = [3_000, 10_000, 30_000];
/** So many useless answers in a row, and a new connection is worth more than another question. */
const maxUselessAnswers = 6;
const batchSize = 100;
/** An empty answer to a question that could have stayed open comes this early only from what cannot hold one open. */
const tooEarlyMs = 200;

export interface PollerOptions {
  readonly api: BotApi;
  readonly intake: Intake;
  readonly cursor: Cursor;
  readonly link: ChannelLink;
  /** Called at most once, and then no question is asked any more. */
  readonly lost: (error: AppError) => void;
}

export class Poller {
  readonly #options: PollerOptions;
  readonly #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** Batches in a row of which something has to come again. */
  #stuck = 0;
  /** Useless answers in a row. */
  #useless = 0;
  #conflicts = 0;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  /** Asks once without waiting for anything to happen, then goes on by itself. Throws where that is refused. */
  async start(signal: AbortSignal): Promise<void> {
    const answer = await this.#ask(0, signal);
    if (!answer.ok) throw answer.error;
    // Nothing in it throws; and if it did, silence would be the worst that could come of it.
    this.#running = this.#loop(answer).catch((error: unknown) => this.#options.lost(AppError.from(error)));
  }

  /** Resolves when nothing of it is under way any more. Idempotent. */
  async stop(): Promise<void> {
    this.#abort.abort(new AppError("CONN_001", "Updates are no longer asked for."));
    await this.#running;
  }

  async #loop(first: ApiAnswer): Promise<void> {
    let answer = first;
    let openMs = tooEarlyMs;
    while (!this.#abort.signal.aborted) {
      const pauseMs = answer.ok ? await this.#take(answer.result, openMs) : this.#failed(answer);
      if (pauseMs === null || (pauseMs > 0 && !(await this.#pause(pauseMs)))) return;
      const askedMs = this.#options.link.clock.monotonicMs();
      answer = await this.#ask(pollTimeoutMs, this.#abort.signal);
      openMs = this.#options.link.clock.monotonicMs() - askedMs;
    }
  }

  async #ask(timeoutMs: number, signal: AbortSignal): Promise<ApiAnswer> {
    const { api, cursor } = this.#options;
    const { offset } = cursor;
    return api.call(
      "getUpdates",
      {
        ...(offset === undefined ? {} : { offset }),
        timeout: timeoutMs / 1_000,
        limit: batchSize,
        allowed_updates: allowedUpdates,
      },
      { signal: AbortSignal.any([signal, this.#abort.signal]), timeoutMs: timeoutMs + pollGraceMs },
    );
  }

  /** Returns how long to wait before the next question. */
  async #take(result: unknown, openMs: number): Promise<number> {
    const { cursor, intake, link } = this.#options;
    this.#useless = 0;
    if (this.#conflicts > 0) link.note?.(null);
    this.#conflicts = 0;
    const updates: readonly unknown[] = Array.isArray(result) ? result : [];
    if (updates.length === 0) return openMs < tooEarlyMs ? tooEarlyMs : 0;
    const { next, whole } = await intake.takeAll(updates);
    const isNew = next !== null && (cursor.offset === undefined || next > cursor.offset);
    const moved = isNew && (await this.#keep(next));
    this.#stuck = moved && whole ? 0 : this.#stuck + 1;
    return this.#stuck === 0 ? 0 : pauseAfter(this.#stuck, pausesMs);
  }

  /** False where the cursor did not move: then the same updates come again, and are known as duplicates. */
  async #keep(next: number): Promise<boolean> {
    const { cursor, link } = this.#options;
    try {
      await link.failpoints.reach("before-cursor");
      await cursor.advance(next);
      await link.failpoints.reach("cursor-committed");
      return true;
    } catch (error) {
      link.log.warn("How far updates were read could not be stored.", { error: AppError.from(error).toJSON() });
      return false;
    }
  }

  /** Returns how long to wait before the next question; null where none is asked any more. */
  #failed({ error, status }: ApiFailure): number | null {
    if (this.#abort.signal.aborted) return null;
    const { link, lost } = this.#options;
    const isConflict = status === 409;
    if (isConflict) this.#conflicts += 1;
    else this.#useless += 1;
    // Without an answer the connection is gone; and with another's token, or at the end of patience, asking is no use.
    const over = this.#useless > maxUselessAnswers || this.#conflicts > conflictPausesMs.length;
    if (status === null || error.retry === "never" || over) {
      this.#abort.abort(error);
      lost(error);
      return null;
    }
    link.log.warn("Telegram did not give updates.", { error: error.toJSON() });
    if (isConflict) {
      link.note?.(conflictSentence);
      return pauseAfter(this.#conflicts, conflictPausesMs);
    }
    return error.retryAfterMs ?? pauseAfter(this.#useless, pausesMs);
  }

  /** False where it was ended meanwhile. */
  async #pause(pauseMs: number): Promise<boolean> {
    try {
      await this.#options.link.clock.sleep(pauseMs, this.#abort.signal);
      return true;
    } catch {
      // Ended while waiting: there is nothing to go on with.
      return false;
    }
  }
}

function pauseAfter(count: number, pauses: readonly number[]): number {
  return pauses[Math.min(count, pauses.length) - 1] ?? 0;
}
