/**
 * What a turn has done, as rows of the store: each model call that asked for tools, each call of a tool before it can have
 * an effect and after it had it, and what was said meanwhile. A restart puts finished rows back and goes on behind them, so
 * that nothing is paid for or done twice.
 */
import type { AssistantContent, ToolCall, ToolResult } from "../../domain/conversation.ts";
import { limits } from "../../domain/limits.ts";
import type { TokenUsage } from "../../domain/money.ts";
import { withTaint, type Taint } from "../../domain/taint.ts";
import { writeWithPatience } from "../../store/patience.ts";
import type { StepRow, TranscriptDraft } from "../../store/port.ts";
import { addCost } from "../calling/account.ts";
import type { AgentDeps, Turn } from "../turn.ts";
import type { SaidRecord } from "../overlap/said.ts";
import { takeIn } from "../overlap/take-in.ts";
import { Circle } from "./circle.ts";

/** What a `model` row holds: enough to go on behind it, and to write the transcript and the sums at the end. */
export interface ModelRecord {
  readonly content: readonly AssistantContent[];
  readonly calls: readonly ToolCall[];
  readonly entry: TranscriptDraft;
  readonly usage: TokenUsage;
  readonly costMicros: number | null;
  /** The turn's text up to and with this step. */
  readonly text: string;
}

/** What a `call` row holds. `begun` is written where the call can have an effect that may not be had twice. */
export type CallRecord =
  | { readonly phase: "begun"; readonly callId: string; readonly shown: string }
  | ({ readonly phase: "done" } & FinishedCall);

/** A call that was begun and of which no row says how it ended. `times`: how often it was begun; a yes is for the next one. */
export interface InDoubt {
  readonly shown: string;
  readonly times: number;
}

export interface FinishedCall {
  readonly result: ToolResult;
  readonly entry: TranscriptDraft;
  /** Where the result's words came from; null: from the house itself. */
  readonly taint: Taint | null;
  /** Of the output as the tool gave it: what is shown has a mark that is another one each time. */
  readonly digest: string;
  /** What was refused, by what it was about; empty where nothing was. */
  readonly refused: readonly string[];
}

/** What older rows of kind `tool` hold: the results of a whole step. */
interface StepResultsRecord {
  readonly results: readonly ToolResult[];
  readonly entries: readonly TranscriptDraft[];
}

export class StepJournal {
  readonly #turn: Turn;
  readonly #deps: AgentDeps;
  #nextIndex = 0;
  #modelSteps = 0;
  /** Calls of the last model step that no row says are done, and what the others gave. */
  #pending: readonly ToolCall[] = [];
  #finished: FinishedCall[] = [];
  readonly #begun = new Map<string, InDoubt>();
  readonly circle: Circle;

  constructor(turn: Turn, deps: AgentDeps) {
    this.#turn = turn;
    this.#deps = deps;
    this.circle = new Circle(turn.config.tools.loopDetection);
  }

  /** Puts finished steps of an earlier attempt back into the turn. */
  replay(steps: readonly StepRow[]): void {
    for (const { index, kind, record } of steps) {
      this.#nextIndex = index + 1;
      switch (kind) {
        case "model":
          this.#putBack(record as ModelRecord);
          break;
        case "call":
          this.#putCallBack(record as CallRecord);
          break;
        case "tool": {
          const { results, entries } = record as StepResultsRecord;
          this.#close(results, entries);
          break;
        }
        case "said":
          takeIn(this.#turn, record as SaidRecord);
          break;
      }
    }
  }

  get modelSteps(): number {
    return this.#modelSteps;
  }

  get nextIndex(): number {
    return this.#nextIndex;
  }

  /** In the order in which the model asked for them. */
  get pending(): readonly ToolCall[] {
    return this.#pending.filter(({ callId }) => !this.#finished.some(({ result }) => result.callId === callId));
  }

  /** What a call is about that may have run already: its process died between the row before it and the row behind it. */
  inDoubt(callId: string): InDoubt | null {
    return this.#begun.get(callId) ?? null;
  }

  async model(record: ModelRecord): Promise<void> {
    await this.#append("model", record);
    this.#modelSteps += 1;
    this.#pending = record.calls;
    this.#finished = [];
  }

  /** Durable before the call has its effect. `shown`: what it is about, for whoever is asked after a crash. */
  async begun(callId: string, shown: string): Promise<void> {
    const record: CallRecord = { phase: "begun", callId, shown };
    await this.#append("call", record);
  }

  async done(call: FinishedCall): Promise<void> {
    const record: CallRecord = { phase: "done", ...call };
    await this.#append("call", record);
    this.#finish(call);
  }

  /** The row of `said` was written by whoever took the messages in, in the same commit. */
  said(record: SaidRecord): void {
    this.#nextIndex += 1;
    takeIn(this.#turn, record);
  }

  #putBack(record: ModelRecord): void {
    const turn = this.#turn;
    turn.conversation.push({ role: "assistant", content: record.content });
    turn.transcript.push(record.entry);
    turn.text = record.text;
    addCost(turn, record.usage, record.costMicros);
    this.#modelSteps += 1;
    this.#pending = record.calls;
    this.#finished = [];
    this.#begun.clear();
  }

  #putCallBack(record: CallRecord): void {
    if (record.phase === "done") return this.#finish(record);
    const { callId, shown } = record;
    this.#begun.set(callId, { shown, times: (this.#begun.get(callId)?.times ?? 0) + 1 });
  }

  #finish(call: FinishedCall): void {
    this.#finished.push(call);
    this.#turn.taint = withTaint(this.#turn.taint, call.taint === null ? [] : [call.taint]);
    this.circle.refused(call.refused);
    this.#noteForCircle(call);
    if (this.pending.length > 0) return;
    this.#close(
      this.#finished.map(({ result }) => result),
      this.#finished.map(({ entry }) => entry),
    );
  }

  #noteForCircle({ result, digest }: FinishedCall): void {
    const call = this.#pending.find(({ callId }) => callId === result.callId);
    if (call !== undefined) this.circle.ran(call, digest);
  }

  /** All calls of a step are done: the model is told their results together. */
  #close(results: readonly ToolResult[], entries: readonly TranscriptDraft[]): void {
    this.#turn.conversation.push({ role: "tool", results });
    this.#turn.transcript.push(...entries);
    this.#pending = [];
    this.#finished = [];
    this.#begun.clear();
  }

  /**
   * Writes a row with what the calls before it cost. A medium that refuses is waited for, as it is for a result: what the
   * row tells was paid for, or has happened.
   */
  async #append(kind: StepRow["kind"], record: unknown): Promise<void> {
    const { clock, log, registry, store } = this.#deps;
    const turn = this.#turn;
    const ledger = turn.ledger.splice(0);
    const row: StepRow = { runId: turn.row.runId, index: this.#nextIndex, kind, record, atMs: clock.nowMs() };
    const patience = { clock, log, signal: registry.stopping(), patienceMs: limits.replyTtlMs };
    await writeWithPatience(() => store.turns.appendStep(turn.lease, row, { ledger }), patience);
    this.#nextIndex += 1;
  }
}
