/**
 * The desk where people are asked about an act. Owns the questions, their time and their one answer; what is parked behind
 * a question goes on by the store's own commit. Refuses to wait where nobody could see that it waits.
 */
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import type { EventBus } from "../domain/events.ts";
import { limits } from "../domain/limits.ts";
import type { CommandDesk } from "../exec/contract.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import type { ApprovalRow, ReplayRule } from "../store/budget-port.ts";
import type { Store } from "../store/port.ts";
import type {
  ActQuestion,
  Answer,
  AnswerOutcome,
  ApprovalDesk,
  ApprovalListener,
  Approver,
  Asked,
} from "./contract.ts";
import {
  approvalView,
  bindingOf,
  grantOf,
  isAct,
  questionOf,
  subjectKeyOf,
  subjectOf,
  type ActDecision,
} from "./subject.ts";
import { fitsChat } from "./words.ts";

export interface ApprovalDeskDeps {
  readonly store: Pick<Store, "approvals" | "trace">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly bus: EventBus;
  readonly log: Log;
  readonly config: () => Config;
  /** Where what is allowed for good is written down. */
  readonly commands: Pick<CommandDesk, "grant">;
  /** Messages that waited may go on. */
  readonly wakeQueue: () => void;
}

/** Who "decided" where nobody could be asked: a yes or a no, as the configuration has it. */
const byFallback = "askFallback";

const nobodyToAsk: Asked = Object.freeze({ state: "denied", id: null, why: "nobody-to-ask", by: null });

export function createApprovalDesk(deps: ApprovalDeskDeps): ApprovalDesk {
  return new Desk(deps);
}

class Desk implements ApprovalDesk {
  readonly #deps: ApprovalDeskDeps;
  readonly #listeners = new Set<ApprovalListener>();
  readonly #timers = new Map<string, Timer>();
  /** Asked while nobody was there, and shown to nobody since. */
  readonly #unseen = new Map<string, ApprovalRow>();
  readonly #opened: { readonly atMs: number; readonly monotonicMs: number };
  #return: Timer | null = null;
  #closed = false;

  constructor(deps: ApprovalDeskDeps) {
    this.#deps = deps;
    this.#opened = { atMs: deps.clock.nowMs(), monotonicMs: deps.clock.monotonicMs() };
  }

  async start(): Promise<void> {
    for (const row of await this.pending()) this.#watch(row);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#return?.cancel();
    this.#timers.clear();
    this.#unseen.clear();
    this.#listeners.clear();
  }

  async ask(question: ActQuestion): Promise<Asked> {
    const { store, clock } = this.#deps;
    const known = await store.approvals.latest(subjectKeyOf(question));
    if (known !== null) return standing(known, clock.nowMs());
    // More than anybody can look at: the fallback is for nobody there, not for too much at once.
    if (this.#timers.size >= limits.openApprovals) return nobodyToAsk;
    // What a crash left in doubt is asked whoever is there, and waits all its time for them.
    if (question.kind !== "in-doubt" && !this.#reaches(question) && !this.#mayReturnFor(question)) {
      return this.#withoutAsking(question);
    }
    const { row, created } = await store.approvals.request(this.#draft(question));
    if (created) this.#announce(row);
    return standing(row, clock.nowMs());
  }

  async answer(id: string, answer: Answer, by: Approver): Promise<AnswerOutcome> {
    const { store, clock, config, log } = this.#deps;
    if (by.via === "chat" && !mayAnswer(by, config())) return { outcome: "not-yours" };
    const asked = await this.find(id);
    if (asked === null) return { outcome: "unknown" };
    const { agentId, always } = grantOf(asked);
    const why = asked.state === "open" ? refusalOf(answer, by, { always, shown: approvalView(asked).shown }) : null;
    if (why !== null) return { outcome: "refused", why, row: asked };
    const decided = await store.approvals.decide(asked.id, {
      allow: answer !== "deny",
      by: by.id,
      decision: { answer } satisfies ActDecision,
      replay: replayRule(clock),
    });
    if (decided.outcome !== "decided") return decided;
    const { row, replayed } = decided;
    // What is parked goes on first; everybody else is told behind it.
    this.#deps.wakeQueue();
    log.info("an act was decided about", { approval: row.id, answer, by: by.id, via: by.via, replayed });
    this.#settled(row);
    this.#trace(row, answer === "deny" ? "approval.denied" : "approval.allowed", { by: by.id, answer });
    const kept = answer === "allow-always" && always !== null ? await this.#grant(agentId, always, row) : null;
    return { outcome: "decided", row, always: kept };
  }

  async pending(): Promise<readonly ApprovalRow[]> {
    const { store, clock } = this.#deps;
    // Those about money are in the same list, and are left out.
    const open = await store.approvals.list({ state: "open", limit: 2 * limits.openApprovals, atMs: clock.nowMs() });
    return open.filter(isAct);
  }

  async find(id: string): Promise<ApprovalRow | null> {
    const { store, clock } = this.#deps;
    const row = await store.approvals.get(id.toLowerCase());
    return row === null || !isAct(row) ? null : asOf(row, clock.nowMs());
  }

  listen(listener: ApprovalListener): () => void {
    this.#listeners.add(listener);
    this.#catchUp(listener).catch((thrown: unknown) => this.#listenerFailed(listener, thrown));
    return () => void this.#listeners.delete(listener);
  }

  async #catchUp(listener: ApprovalListener): Promise<void> {
    for (const row of (await this.pending()).toReversed()) {
      if (this.#listeners.has(listener)) this.#tell(listener, row);
    }
  }

  #reaches(question: ActQuestion): boolean {
    return [...this.#listeners].some((listener) => this.#seenAt(listener, question));
  }

  #seenAt(listener: ApprovalListener, question: ActQuestion): boolean {
    try {
      return listener.reaches(question);
    } catch (thrown) {
      this.#listenerFailed(listener, thrown);
      return false;
    }
  }

  /**
   * A turn that began before the gateway went down goes on the moment it is back, before pages and programs are: it waits for
   * them a while. One that began since is told at once, as nobody was there when it began either.
   */
  #mayReturnFor({ receivedAtMs }: ActQuestion): boolean {
    return receivedAtMs < this.#opened.atMs && this.#returnMs() > 0;
  }

  #returnMs(): number {
    return Math.max(0, this.#opened.monotonicMs + limits.approversReturnMs - this.#deps.clock.monotonicMs());
  }

  #watchUnseen(row: ApprovalRow): void {
    if (this.#closed || this.#returnMs() === 0) return;
    this.#unseen.set(row.id, row);
    this.#return ??= this.#deps.clock.after(this.#returnMs(), () => this.#timeToReturnIsOver());
  }

  /** Who was there has had the time to come back: where nobody did, it is as if nobody had been asked. */
  #timeToReturnIsOver(): void {
    const unseen = [...this.#unseen.values()];
    this.#unseen.clear();
    for (const row of unseen) {
      this.#showOrEnd(row).catch((thrown: unknown) => {
        const error = AppError.from(thrown).toJSON();
        this.#deps.log.error("a question that nobody sees could not be ended", { approval: row.id, error });
      });
    }
  }

  async #showOrEnd({ id }: ApprovalRow): Promise<void> {
    const row = await this.find(id);
    if (row?.state !== "open" || this.#closed) return;
    const question = questionOf(row);
    if (this.#reaches(question) || question.kind === "in-doubt") {
      for (const listener of this.#listeners) this.#tell(listener, row);
      return;
    }
    const decided = await this.#byFallback(row, question);
    if (decided === null) return;
    this.#deps.wakeQueue();
    this.#settled(decided);
  }

  #draft(question: ActQuestion): Parameters<Store["approvals"]["request"]>[0] {
    const { clock, ids, config } = this.#deps;
    const atMs = clock.nowMs();
    const { kind, runId, sessionKey } = question;
    return {
      id: ids.hex(4),
      kind,
      subject: subjectOf(question),
      subjectKey: subjectKeyOf(question),
      runId,
      sessionKey,
      createdMs: atMs,
      expiresMs: atMs + config().approvals.timeoutSeconds * 1_000,
    };
  }

  /** Nobody would see the question: it is answered at once, by what the configuration says of that case. */
  async #withoutAsking(question: ActQuestion): Promise<Asked> {
    const { store, clock } = this.#deps;
    if (question.fallback === "deny") {
      this.#warnOfNobody(question);
      return nobodyToAsk;
    }
    // Allowed by nobody's word but the configuration's: that stands in the same list as every other consent.
    const { row } = await store.approvals.request(this.#draft(question));
    return standing((await this.#byFallback(row, question)) ?? row, clock.nowMs());
  }

  /** Null where somebody was first, or its time was over. */
  async #byFallback({ id }: ApprovalRow, question: ActQuestion): Promise<ApprovalRow | null> {
    const { store, clock } = this.#deps;
    const allow = question.fallback === "allow";
    const decided = await store.approvals.decide(id, {
      allow,
      by: byFallback,
      decision: { answer: allow ? "allow-once" : "deny" } satisfies ActDecision,
      replay: replayRule(clock),
    });
    if (decided.outcome !== "decided") return null;
    this.#warnOfNobody(question);
    this.#trace(decided.row, allow ? "approval.allowed" : "approval.denied", { by: byFallback });
    return decided.row;
  }

  #warnOfNobody({ tool, sessionKey, fallback }: ActQuestion): void {
    this.#deps.log.warn("nobody could be asked about an act", { tool, sessionKey, fallback });
  }

  #announce(row: ApprovalRow): void {
    const { bus, clock } = this.#deps;
    const { id, sessionKey, expiresMs } = row;
    this.#watch(row);
    const approval = approvalView(row);
    bus.emit({ type: "approval.requested", id, sessionKey, approval, expiresMs, atMs: clock.nowMs() });
    const told = [...this.#listeners].filter((listener) => this.#tell(listener, row));
    if (told.length === 0) this.#watchUnseen(row);
    this.#trace(row, "approval.asked", { tool: approval.tool, expiresMs });
  }

  /** False where nobody sees it there. */
  #tell(listener: ApprovalListener, row: ApprovalRow): boolean {
    const question = questionOf(row);
    if (!this.#seenAt(listener, question)) return false;
    try {
      listener.asked(row, question);
      this.#unseen.delete(row.id);
      return true;
    } catch (thrown) {
      this.#listenerFailed(listener, thrown);
      return false;
    }
  }

  #watch(row: ApprovalRow): void {
    if (this.#closed || this.#timers.has(row.id)) return;
    const { clock } = this.#deps;
    const over = (): void => {
      this.#timers.delete(row.id);
      this.#expire(row.id).catch((thrown: unknown) => {
        this.#deps.log.error("the end of a question could not be told", { error: AppError.from(thrown).toJSON() });
      });
    };
    this.#timers.set(row.id, clock.after(Math.max(0, row.expiresMs - clock.nowMs()), over));
  }

  async #expire(id: string): Promise<void> {
    const row = await this.find(id);
    if (row === null || this.#closed) return;
    // The wall clock was set back meanwhile: it has time left.
    if (row.state === "open") this.#watch(row);
    if (row.state !== "expired") return;
    this.#deps.wakeQueue();
    this.#settled(row);
    this.#trace(row, "approval.expired", {});
  }

  #settled(row: ApprovalRow): void {
    const { bus, clock } = this.#deps;
    this.#timers.get(row.id)?.cancel();
    this.#timers.delete(row.id);
    const { id, sessionKey, state, decidedBy: by, decision } = row;
    bus.emit({ type: "approval.resolved", id, sessionKey, state, by, decision, atMs: clock.nowMs() });
    for (const listener of this.#listeners) {
      try {
        listener.resolved(row);
      } catch (thrown) {
        this.#listenerFailed(listener, thrown);
      }
    }
  }

  /** The act is allowed whether this can be kept or not: next time somebody is asked again. */
  async #grant(
    agentId: string,
    proposal: NonNullable<ActQuestion["always"]>,
    row: ApprovalRow,
  ): Promise<"written" | "failed"> {
    const { commands, clock, log } = this.#deps;
    try {
      await commands.grant(agentId, proposal, { by: row.decidedBy ?? "", atMs: clock.nowMs(), expiresMs: null });
      return "written";
    } catch (thrown) {
      log.error("what was allowed for good could not be kept", {
        approval: row.id,
        error: AppError.from(thrown).toJSON(),
      });
      return "failed";
    }
  }

  /** Beside the way of the answer: nobody waits for it. */
  #trace({ id, runId }: ApprovalRow, type: string, data: object): void {
    const { store, clock, log } = this.#deps;
    store.trace
      .add([{ messageId: null, runId, type, atMs: clock.nowMs(), data: { approval: id, ...data } }])
      .catch((thrown: unknown) => {
        log.warn("a question is not in the trace", { approval: id, error: AppError.from(thrown).toJSON() });
      });
  }

  #listenerFailed({ id }: ApprovalListener, thrown: unknown): void {
    this.#deps.log.error("questions could not be shown", { listener: id, error: AppError.from(thrown).toJSON() });
  }
}

/** Nobody learns from the answer who else may: an unknown sender and an unknown question sound alike. */
function mayAnswer({ id, isOwner = false }: Approver, { approvals }: Config): boolean {
  return isOwner || approvals.exec.approvers.includes(id);
}

function refusalOf(
  answer: Answer,
  { via }: Approver,
  { always, shown }: Pick<ActQuestion, "always" | "shown">,
): "only-once" | "not-shown" | null {
  if (answer === "deny") return null;
  if (via === "chat" && !fitsChat(shown)) return "not-shown";
  return answer === "allow-always" && always === null ? "only-once" : null;
}

function standing(row: ApprovalRow, atMs: number): Asked {
  const { id, state, expiresMs, decidedBy } = asOf(row, atMs);
  switch (state) {
    case "open":
      return { state, id, untilMs: expiresMs };
    case "allowed":
      return { state, id, by: decidedBy ?? "", binding: bindingOf(row) };
    case "denied":
    case "expired":
      return { state: "denied", id, why: decidedBy === byFallback ? "nobody-to-ask" : state, by: decidedBy };
  }
}

/** The store writes down that a time is over when the next one asks; until then it is known by the clock. */
function asOf(row: ApprovalRow, atMs: number): ApprovalRow {
  return row.state === "open" && row.expiresMs <= atMs ? { ...row, state: "expired" } : row;
}

/** For messages that ended and wait on the list of dead letters; what is parked goes on without it. */
function replayRule(clock: Clock): ReplayRule {
  const atMs = clock.nowMs();
  return { atMs, expiresMs: atMs + limits.inboundTtlMs, admittedAfterMs: atMs - limits.inboundTtlMs };
}
