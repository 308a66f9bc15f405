/**
 * How far a bot's updates were read, kept behind a restart. It belongs to one bot: where the token is another's, it
 * says nothing. After a week without an update Telegram may begin to count anew, lower than before, and a cursor that
 * stands too high would confirm what nobody has read; so an old one is not used.
 */
import type { Clock } from "../../platform/clock.ts";
import type { AccountMemory } from "../contract.ts";

const key = "offset";
/** A day less than Telegram's week. Telegram keeps updates for one day, so nothing is skipped by asking from the start. */
export const cursorLifeMs = 6 * 24 * 3_600_000;

interface Kept {
  readonly botId: number;
  readonly offset: number;
  readonly atMs: number;
}

export class Cursor {
  readonly #memory: AccountMemory;
  readonly #clock: Clock;
  readonly #botId: number;
  #kept: Kept | null;

  private constructor(memory: AccountMemory, clock: Clock, botId: number, kept: Kept | null) {
    this.#memory = memory;
    this.#clock = clock;
    this.#botId = botId;
    this.#kept = kept;
  }

  static async load(memory: AccountMemory, clock: Clock, botId: number): Promise<Cursor> {
    const kept = await memory.get(key);
    return new Cursor(memory, clock, botId, isKept(kept) && kept.botId === botId ? kept : null);
  }

  /** The first update that is not done with; undefined where that is not known. */
  get offset(): number | undefined {
    if (this.#kept === null || this.#clock.nowMs() - this.#kept.atMs > cursorLifeMs) return undefined;
    return this.#kept.offset;
  }

  /** Resolves when it is durable that everything below `offset` is done with. */
  async advance(offset: number): Promise<void> {
    const kept = { botId: this.#botId, offset, atMs: this.#clock.nowMs() };
    await this.#memory.put(key, kept);
    this.#kept = kept;
  }
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== "object" || value === null) return false;
  const { botId, offset, atMs } = value as Partial<Record<keyof Kept, unknown>>;
  return [botId, offset, atMs].every(Number.isSafeInteger);
}
