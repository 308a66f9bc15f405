/**
 * The gate in front of every model call. It alone makes holds. Where nobody has a limit it looks at the configuration
 * and lets go; where a limit applies, the store sets the worst case aside or says which purse is short.
 */
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import type { BudgetHold } from "../domain/authority.ts";
import { mintBudgetHold } from "../domain/authority-mint.ts";
import { limits } from "../domain/limits.ts";
import { worstCase, type ModelPrice } from "../domain/money.ts";
import type { PurseState } from "../domain/purse.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { HoldRequest, Pause, Reservation } from "../store/budget-port.ts";
import type { Store } from "../store/port.ts";
import type { BudgetGate, CallToPay, HoldResult } from "./contract.ts";
import { createLimitBook, type LimitBook } from "./limit-book.ts";
import { pauseSentence, shortSentence, unpricedSentence } from "./words.ts";

export interface BudgetGateDeps {
  readonly store: Pick<Store, "budgets">;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: () => Config;
  /** A purse went over its warning share; told once per period. Never throws. */
  readonly onWarning: (call: CallToPay, states: readonly PurseState[]) => void;
}

export interface OpenBudgetGate extends BudgetGate {
  /** Reads the pauses, and finds the calls of earlier runs whose turns are gone. After the inbox was recovered. */
  start(): Promise<void>;
  close(): void;
  /** The limits in force. */
  book(): LimitBook;
  /** Reads the pauses anew, after one was made or lifted. From then on every call is judged by them. */
  pausesChanged(): Promise<readonly Pause[]>;
}

export function createBudgetGate(deps: BudgetGateDeps): OpenBudgetGate {
  return new Gate(deps);
}

class Gate implements OpenBudgetGate {
  readonly #deps: BudgetGateDeps;
  #read: { readonly config: Config; readonly book: LimitBook } | null = null;
  #pauses: Promise<readonly Pause[]> | null = null;
  #sweep: Timer | null = null;
  /** Those of which the store knows; the others cost nothing to give back. */
  readonly #stored = new WeakSet<BudgetHold>();

  constructor(deps: BudgetGateDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    const { clock, log, store } = this.#deps;
    await this.pausesChanged();
    // A hold without a turn was made by a run of the gateway that is over.
    await store.budgets.loseOrphans(clock.nowMs());
    const lost = await store.budgets.lost(1);
    if (lost.length > 0) log.warn("calls of an earlier run may have been billed and count at their worst case", {});
    this.#sweep = clock.every(limits.leaseSweepMs, async () => {
      await store.budgets.loseOrphans(clock.nowMs() - orphanMs);
    });
  }

  close(): void {
    this.#sweep?.cancel();
  }

  book(): LimitBook {
    const config = this.#deps.config();
    if (this.#read?.config !== config) this.#read = { config, book: createLimitBook(config) };
    return this.#read.book;
  }

  pausesChanged(): Promise<readonly Pause[]> {
    const read = this.#deps.store.budgets.pauses();
    this.#pauses = read;
    // What could not be read is read again by the next call: it must not be taken for "no pause".
    read.catch(() => {
      if (this.#pauses === read) this.#pauses = null;
    });
    return read;
  }

  async hold(call: CallToPay, signal?: AbortSignal): Promise<HoldResult> {
    const pauses = await (this.#pauses ?? this.pausesChanged());
    const pause = pauses.find(({ agentId }) => agentId === null || agentId === call.agentId);
    if (pause !== undefined) return pausedBy(pause);
    const book = this.book();
    if (!book.limited || book.of(call, this.#deps.clock.nowMs()).length === 0) {
      const hold = mintBudgetHold({ id: call.callId, reservedMicros: 0 });
      return { granted: true, hold, maxOutputTokens: null, warnings: [] };
    }
    const price = book.priceOf(call.model);
    if (price === "unknown") return unpriced(call);
    return this.#answer(call, await this.#reserve(call, price, signal));
  }

  async release(hold: BudgetHold): Promise<void> {
    if (this.#stored.delete(hold)) await this.#deps.store.budgets.release(hold.id);
  }

  /** What is held by calls under way comes back, most of it: a call that lacks only that waits for a while. */
  async #reserve(call: CallToPay, price: ModelPrice, signal: AbortSignal | undefined): Promise<Reservation> {
    const { clock, store } = this.#deps;
    const untilMs = clock.monotonicMs() + (call.waits === false ? 0 : limits.budgetWaitMs);
    for (let pauseMs: number = limits.budgetPollMs; ; pauseMs = Math.min(pauseMs * 2, limits.budgetPollCapMs)) {
      const reservation = await store.budgets.reserve(this.#request(call, price));
      const waits = reservation.outcome === "short" && reservation.passing && clock.monotonicMs() < untilMs;
      if (!waits || signal?.aborted === true) return reservation;
      // An abort ends the waiting with what is known; whoever aborted sees to the rest.
      await clock.sleep(pauseMs, signal).catch(() => undefined);
    }
  }

  #request(call: CallToPay, price: ModelPrice): HoldRequest {
    const atMs = this.#deps.clock.nowMs();
    const { runId, sessionKey, agentId, channel, senderId, jobId, chat = null, model } = call;
    const { origin = jobId === null ? "chat" : "cron" } = call;
    const outputTokens = outputTokensOf(call);
    return {
      id: call.callId,
      payer: { runId, sessionKey, agentId, channel, senderId, jobId, chat },
      provider: model.provider,
      model: model.id,
      origin,
      atMs,
      worst: worstCase(call.inputTokens, price),
      outputTokens,
      leastOutputTokens: Math.min(outputTokens, limits.budgetLeastOutputTokens),
      warnAt: this.#deps.config().budgets.warnAt,
      purses: this.book().of(call, atMs),
    };
  }

  #answer(call: CallToPay, reservation: Reservation): HoldResult {
    switch (reservation.outcome) {
      case "paused":
        return pausedBy(reservation.pause);
      case "short": {
        const { purse, neededMicros } = reservation;
        const details = { purse, neededMicros };
        const error = new AppError("BUDGET_001", shortSentence(purse, neededMicros), { details });
        return { granted: false, error: error.toJSON(), purse };
      }
      case "held": {
        const { reservedMicros, outputTokens, warnings } = reservation;
        const hold = mintBudgetHold({ id: call.callId, reservedMicros });
        this.#stored.add(hold);
        if (warnings.length > 0) this.#deps.onWarning(call, warnings);
        return { granted: true, hold, maxOutputTokens: outputTokens, warnings };
      }
    }
  }
}

/** A hold of no turn is given up for lost when no turn could still be at it. */
const orphanMs = limits.turnTimeoutMs + limits.replyTtlMs;

/** Never more than the model may write: the request's own limit, or what is known of the model. */
function outputTokensOf({ outputTokens, model }: CallToPay): number {
  const most = model.maxTokens ?? outputTokens ?? limits.budgetOutputTokens;
  return Math.min(outputTokens ?? most, most);
}

function pausedBy(pause: Pause): HoldResult {
  const details = { agentId: pause.agentId, reason: pause.reason };
  return { granted: false, error: new AppError("BUDGET_003", pauseSentence(pause), { details }).toJSON(), purse: null };
}

function unpriced({ model }: CallToPay): HoldResult {
  const error = new AppError("BUDGET_002", unpricedSentence(model.ref), { details: { model: model.ref } });
  return { granted: false, error: error.toJSON(), purse: null };
}
