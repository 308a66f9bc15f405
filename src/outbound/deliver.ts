/**
 * Delivery: takes parts out of the outbox and brings them to their platforms. In order within a chat, in parallel
 * across chats; before anything leaves, its row says so.
 */
import { AppError } from "../domain/app-error.ts";
import type { Timer } from "../platform/clock.ts";
import { writeWithPatience } from "../store/patience.ts";
import type { OutboxRow, PartState } from "../store/port.ts";
import type { Attempt, Account, Delivery, DeliveryDeps, DeliveryWork, Route } from "./contract.ts";
import { deliverPart } from "./part/deliver-part.ts";
import { cutOff, isHeldInDoubt, settleDoubt } from "./part/doubt.ts";
import { createExpirePart, type ExpirePart } from "./part/expire-part.ts";
import { mayLeave } from "./part/may-leave.ts";
import { createPacing, type Pacing } from "./pacing.ts";
import { withKnown } from "./part/known-so-far.ts";
import { recordDoubt, recordStopped } from "./part/record.ts";

/** Parts of one account that may be on their way at once: a platform that hangs takes no place of another's. */
const maxInFlight = 64;

export function createDelivery(deps: DeliveryDeps): Delivery {
  return new Deliverer(deps);
}

/** A part that is worked on. The next part of its chat waits for it. */
interface UnderWay {
  readonly row: OutboxRow;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

class Deliverer implements Delivery {
  readonly #work: DeliveryWork;
  readonly #expire: ExpirePart;
  readonly #pacing: Pacing;
  readonly #abort = new AbortController();
  /** By chat. */
  readonly #busy = new Map<string, UnderWay>();
  /** Parts that are being taken back. */
  readonly #ending = new Set<string>();
  /** Parts that were looked at and are still in doubt, and when to look again. */
  readonly #undecided = new Map<string, number>();
  /** Parts whose last attempt ended with a process; each is decided about once with that in mind. */
  readonly #cutOff = new Set<string>();
  /** Runs that were aborted: what one of them was still writing then is not sent either. */
  readonly #aborted = new Map<string, AppError>();
  /** False where the last look found no part in doubt and none has come into doubt since: most looks are about others. */
  #mayDoubt = true;
  #started = false;
  #closed = false;
  #draining: Promise<void> | null = null;
  #again = false;
  #timer: Timer | undefined;
  #lookAround: Timer | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(deps: DeliveryDeps) {
    this.#work = { ...deps, closing: this.#abort.signal };
    this.#expire = createExpirePart(this.#work);
    this.#pacing = createPacing(() => deps.ids.random());
  }

  async start(): Promise<void> {
    const { store, clock, log, bus } = this.#work;
    const inDoubt = await store.outbox.recover(clock.nowMs());
    // Those too that an earlier process found so and did not live to decide about.
    for (const { id } of await store.outbox.inState("unknown", maxInFlight)) this.#cutOff.add(id);
    if (inDoubt.length > 0) log.warn("parts were being sent when the last run ended", { count: inDoubt.length });
    this.#unsubscribe = bus.on("message.unsent", ({ state }) => {
      if (state === "unknown") this.#mayDoubt = true;
    });
    this.#lookAround = clock.every(lookAroundMs, () => {
      this.#mayDoubt = true;
      this.wake();
    });
    this.#started = true;
    this.wake();
  }

  wake(): void {
    this.#again = true;
    if (!this.#started || this.#closed || this.#draining !== null) return;
    this.#draining = this.#drain().finally(() => {
      this.#draining = null;
      // A wake that came after the last look would be lost.
      if (this.#again) this.wake();
    });
  }

  async abort(runId: string, reason: string): Promise<void> {
    const error = new AppError("RUN_001", `The turn was aborted: ${reason}.`);
    this.#aborted.set(runId, error);
    if (this.#aborted.size > abortedRemembered) this.#aborted.delete(this.#aborted.keys().next().value as string);
    // What is on its way stops before the rows are read: each piece that is not begun by then is not sent.
    for (const { row, stop } of this.#busy.values()) if (row.runId === runId) stop.abort(error);
    const rows = await this.#work.store.outbox.ofRun(runId);
    return this.withdraw(
      rows.map((row) => row.id),
      error,
    );
  }

  async abortSession(sessionKey: string, reason: string): Promise<readonly string[]> {
    const runIds = await this.#work.store.outbox.unsaidRuns(sessionKey);
    for (const runId of runIds) await this.abort(runId, reason);
    return runIds;
  }

  async withdraw(ids: readonly string[], error: AppError): Promise<void> {
    for (const id of ids) await this.#withdrawOne(id, error);
  }

  async #withdrawOne(id: string, error: AppError): Promise<void> {
    const row = await this.#work.store.outbox.get(id);
    if (row === null || !unsaid.includes(row.state)) return;
    const taken = [...this.#busy.values()].find((one) => one.row.id === id);
    if (taken === undefined) return row.state === "sending" ? undefined : this.#endUntaken(row, error);
    taken.stop.abort(error);
    if (taken.row.state !== "unknown") return;
    // It is being decided about, and may be left in doubt or put back to work: then it ends here.
    await taken.done;
    return this.#withdrawOne(id, error);
  }

  /** Nobody takes it up while it ends: a look that began before still sees it among those that may leave. */
  async #endUntaken(row: OutboxRow, error: AppError): Promise<void> {
    this.#ending.add(row.id);
    try {
      await recordStopped(row, error, this.#work).catch(ignoreSettled);
    } finally {
      this.#ending.delete(row.id);
      this.wake();
    }
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#lookAround?.cancel();
    this.#unsubscribe?.();
    const abort = (): void => this.#abort.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    await this.#draining;
    await Promise.allSettled([...this.#busy.values()].map(({ done }) => done));
    signal.removeEventListener("abort", abort);
  }

  /** One drain at a time; a wake during it makes it look once more. */
  async #drain(): Promise<void> {
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        // One moment for the whole look: what falls due while it lasts is what the timer is for.
        const nowMs = this.#work.clock.nowMs();
        await this.#startDoubts(nowMs);
        await this.#armTimer(nowMs, await this.#startReady(nowMs));
      }
    } catch (error) {
      this.#work.log.error("the outbox could not be read", { error: AppError.from(error).toJSON() });
      this.#wakeIn(pauseMs);
    }
  }

  async #startDoubts(nowMs: number): Promise<void> {
    if (!this.#mayDoubt) return;
    this.#mayDoubt = false;
    const busy = new Set(this.#busy.keys());
    const rows = await this.#work.store.outbox.inState("unknown", maxInFlight);
    if (rows.length > 0) this.#mayDoubt = true;
    const known = new Set(rows.map((row) => row.id));
    for (const id of this.#undecided.keys()) if (!known.has(id)) this.#undecided.delete(id);
    for (const row of rows) {
      if (busy.has(chatOf(row)) || (this.#undecided.get(row.id) ?? 0) > nowMs) continue;
      this.#startWork(row, (attempt) => this.#decide(row, attempt));
    }
  }

  /**
   * An account that has used up what it may, or has as much on its way as it may, is not asked for: its parts would hide
   * those of the others. Returns when the first of these may be asked for again.
   */
  async #startReady(nowMs: number): Promise<number> {
    const waits = this.#work.accounts().map((account) => ({ account, waitMs: this.#accountWaitMs(account) }));
    const accounts = waits
      .filter(({ waitMs }) => waitMs === 0)
      .flatMap(({ account }) => (this.#isFull(account) ? [] : account));
    // A chat whose part is settled while this is read may have another first one by now: it is looked at again then.
    const busy = new Set(this.#busy.keys());
    const rows = await this.#work.store.outbox.ready({ accounts, atMs: nowMs, limit: maxInFlight });
    for (const row of rows) {
      if (busy.has(chatOf(row))) continue;
      this.#startWork(row, (attempt) => deliverPart(row, attempt, { expire: this.#expire, pacing: this.#pacing }));
    }
    return Math.min(...waits.filter(({ waitMs }) => waitMs > 0).map(({ waitMs }) => nowMs + waitMs));
  }

  #accountWaitMs(account: Account): number {
    const way = this.#work.route({ ...account, chatId: "", chatKind: "dm" });
    return way === null ? 0 : this.#work.rate.accountWaitMs(account, way.manifest);
  }

  #isFull({ channel, accountId }: Account): boolean {
    const underWay = [...this.#busy.values()].filter(
      ({ row: { address } }) => address.channel === channel && address.accountId === accountId,
    );
    return underWay.length >= maxInFlight;
  }

  /** Nothing is begun for a chat that is busy, beyond the bound, without a way, or on the way out. */
  #startWork(row: OutboxRow, work: (attempt: Attempt) => Promise<void>): void {
    const chat = chatOf(row);
    if (this.#closed || this.#busy.has(chat) || this.#ending.has(row.id) || this.#isFull(row.address)) return;
    const route = this.#work.route(row.address);
    if (route === null) return;
    const stop = new AbortController();
    const aborted = isNew(row) ? this.#aborted.get(row.runId ?? "") : undefined;
    if (aborted !== undefined) stop.abort(aborted);
    const done = this.#settled(row, work(this.#attempt(row, route, stop.signal))).finally(() => {
      this.#busy.delete(chat);
      this.wake();
    });
    this.#busy.set(chat, { row, stop, done });
  }

  #attempt(row: OutboxRow, route: Route, stop: AbortSignal): Attempt {
    return { route, stop, settings: this.#work.settings(row.address), work: this.#work };
  }

  async #settled(row: OutboxRow, work: Promise<void>): Promise<void> {
    const { clock, log, closing } = this.#work;
    try {
      await work;
    } catch (error) {
      log.error("a part could not be settled", { part: row.id, error: AppError.from(error).toJSON() });
      // A medium that refuses now will refuse at once again.
      await clock.sleep(pauseMs, closing).catch(() => undefined);
      await leaveInDoubt(row.id, this.#work);
    }
  }

  async #decide(row: OutboxRow, attempt: Attempt): Promise<void> {
    // Noted before it is tried, whatever comes of it: what is decided is no longer among the doubts.
    this.#undecided.set(row.id, this.#work.clock.nowMs() + doubtPauseMs);
    const now = this.#cutOff.has(row.id) ? cutOff(row) : row;
    const verdict = mayLeave(now, attempt);
    // What a person is to decide about waits for them, however long that takes.
    if (verdict.leave === "expired" && isHeldInDoubt(now, attempt)) return;
    await (verdict.leave === "expired" ? this.#expire(now, verdict.error) : settleDoubt(now, attempt));
    this.#cutOff.delete(row.id);
  }

  async #armTimer(nowMs: number, roomMs: number): Promise<void> {
    const { store, clock } = this.#work;
    const attemptMs = await store.outbox.nextAttemptMs(nowMs);
    // What is overdue waits for its chat or its connection, and these wake us.
    const lookMs = [...this.#undecided.values()].filter((ms) => ms > nowMs);
    const next = Math.min(attemptMs ?? Number.POSITIVE_INFINITY, roomMs, ...lookMs);
    this.#timer?.cancel();
    if (next !== Number.POSITIVE_INFINITY) this.#wakeIn(Math.max(1, Math.ceil(next - clock.nowMs())));
  }

  #wakeIn(delayMs: number): void {
    this.#timer?.cancel();
    if (!this.#closed) this.#timer = this.#work.clock.after(delayMs, () => this.wake());
  }
}

/** After a failure of the store. */
const pauseMs = 1_000;

/**
 * How often it is looked without any reason. Whoever puts something into the outbox says so; one whose commit was made
 * and whose answer was lost cannot.
 */
const lookAroundMs = 30_000;

/** A part that still says `sending` and that nobody works on: its chat would wait for it until the next start. */
async function leaveInDoubt(id: string, work: DeliveryWork): Promise<void> {
  const { store, clock, log, closing } = work;
  const leave = async (): Promise<void> => {
    const row = await store.outbox.get(id);
    if (row?.state !== "sending") return;
    const error = new AppError("MSG_002", "What became of this could not be written; it may have arrived.").toJSON();
    await recordDoubt(row, withKnown(row, error), work);
  };
  await writeWithPatience(leave, { clock, log, signal: closing }).catch((thrown: unknown) => {
    // The next start finds it as it finds what a crash leaves behind.
    log.warn("a part stays as it is until the next start", { part: id, error: AppError.from(thrown).toJSON() });
  });
}

/** States in which there is something to take back. */
const unsaid: readonly PartState[] = ["held", "prepared", "sending", "unknown"];

/** Between two looks at a part that stays in doubt. */
const doubtPauseMs = 30_000;

/** The oldest of them have written their last word long ago. */
const abortedRemembered = 1_000;

/** Never tried: a part that somebody puts back to work by hand is theirs to send. */
function isNew({ attempts, error }: OutboxRow): boolean {
  return attempts === 0 && error === null;
}

/** Somebody else was faster: the part is what it is. */
function ignoreSettled(thrown: unknown): void {
  if (!(thrown instanceof AppError) || thrown.code !== "STORE_003") throw thrown;
}

function chatOf(row: OutboxRow): string {
  const { channel, accountId, chatId, threadId } = row.address;
  return JSON.stringify([channel, accountId, chatId, threadId ?? null]);
}
