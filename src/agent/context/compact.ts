/**
 * The one compactor: the older part of a history becomes a summary, the newest stays word for word, and the transcript
 * keeps both the original and a line that says what stands for what. Whatever goes wrong, nothing is lost and nothing is
 * pretended: `compacted` means that there are fewer tokens than before, and every other end has a word.
 */
import type { Config } from "../../config/schema/root.ts";
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import type { ModelInfo, ModelMessage } from "../../domain/conversation.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import type { SessionStore } from "../../store/session-port.ts";
import { taintOfEntries } from "../acting/turn-taint.ts";
import { compactionEntry, quoteSummary, type HistoryView } from "./compaction-entry.ts";
import type { CompactionOptions, CompactionOutcome, CompactionReason, MemoryNotes, TurnFacts } from "./contract.ts";
import { cutToTokens } from "./cut-text.ts";
import { flushMemory } from "./flush-memory.ts";
import { renderMessage } from "./render-talk.ts";
import { summaryRequest, type PieceFacts } from "./summary-prompt.ts";
import type { TalkLine } from "./talk.ts";
import { textTokens, type Pause, type TokenCounter } from "./token-estimate.ts";

export interface CompactorDeps {
  readonly sessions: Pick<SessionStore, "append">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly counter: TokenCounter;
  readonly pause: Pause;
  /** Absent where an agent keeps no notes. */
  readonly notes?: MemoryNotes | undefined;
}

export interface CompactionTask {
  readonly turn: TurnFacts;
  readonly view: HistoryView;
  /** The entry that follows on the history: kept where nothing else is. */
  readonly inputId: string;
  readonly model: ModelInfo;
  readonly settings: Config["agents"]["defaults"]["compaction"];
  readonly reason: CompactionReason;
  readonly options: CompactionOptions;
  /** What a request may have at all, in tokens of this model. */
  readonly roomTokens: number;
  /** Tokens of this model for an estimate. */
  readonly scaled: (estimated: number) => number;
}

export interface Compaction {
  readonly outcome: CompactionOutcome;
  /** The history from here on; what it was, where nothing was compacted. */
  readonly view: HistoryView;
}

/** Never throws, but for the store. */
export async function compact(task: CompactionTask, deps: CompactorDeps): Promise<Compaction> {
  const { view, settings, reason, options } = task;
  const failed = (outcome: CompactionOutcome): Compaction => ({ outcome, view });
  if (settings.mode === "off") return failed({ compacted: false, why: "off" });
  const cut =
    options.maxEntries === undefined ? keptFrom(task, deps) : Math.max(0, view.lines.length - options.maxEntries);
  const old = view.lines.slice(0, cut);
  if (old.length === 0) return failed({ compacted: false, why: "nothing-to-compact" });
  if (reason === "threshold" && task.scaled(tokensOf(old, deps)) < task.roomTokens * leastGain)
    return failed({ compacted: false, why: "nothing-to-compact" });
  const told = options.maxEntries === undefined ? await summaryOf(task, old, deps) : { summary: view.summary ?? "" };
  if (!("summary" in told)) return failed({ compacted: false, ...told });
  const next: HistoryView = {
    summary: told.summary === "" ? null : told.summary,
    lines: view.lines.slice(cut),
    summedUp: view.summedUp + old.length,
  };
  const tokensBefore = task.scaled(viewTokens(view, deps));
  const tokensAfter = task.scaled(viewTokens(next, deps));
  if (tokensAfter >= tokensBefore) return failed({ compacted: false, why: "no-reduction" });
  const method = options.maxEntries === undefined ? "summary" : "truncation";
  await write({ task, told: told.summary, next, method, tokensBefore, tokensAfter, messages: old.length }, deps);
  return { outcome: { compacted: true, method, tokensBefore, tokensAfter }, view: next };
}

/** What would be summed up must be worth a model call: else a large system prompt would cause one at every turn. */
const leastGain = 0.05;
/** However much is to stay word for word: this share of the room at most, or there would be nothing to gain. */
const mostKept = 0.4;
/** A person who asks for it wants it shorter, also where it is not long. */
const mostKeptManually = 0.3;

/** The first line that stays word for word: in front of what somebody said, else in front of an answer; never of a result. */
function keptFrom({ view, settings, reason, roomTokens, scaled }: CompactionTask, { counter }: CompactorDeps): number {
  const most =
    reason === "manual"
      ? scaled(counter.conversation(view.lines.map(({ message }) => message))) * mostKeptManually
      : roomTokens * mostKept;
  const keepTokens = Math.min(settings.keepRecentTokens, most);
  let user: number | undefined;
  let assistant: number | undefined;
  let tokens = 0;
  for (let index = view.lines.length - 1; index >= 0; index -= 1) {
    const { message } = view.lines[index] as TalkLine;
    tokens += scaled(counter.message(message));
    if (tokens > keepTokens) break;
    if (message.role === "user") user = index;
    if (message.role === "assistant") assistant = index;
  }
  return user ?? assistant ?? view.lines.length;
}

type Told = { readonly summary: string } | { readonly why: "aborted" | "model-failed"; readonly error?: AppErrorJson };

async function summaryOf(task: CompactionTask, old: readonly TalkLine[], deps: CompactorDeps): Promise<Told> {
  const { turn, model, view, options, roomTokens, scaled } = task;
  const maxOutputTokens = Math.max(1, Math.min(limits.summaryTokens, Math.floor(roomTokens / 8)));
  const { pieces, missing } = await piecesOf(old, {
    model,
    tokens: pieceRoom(task, maxOutputTokens),
    pause: deps.pause,
  });
  const facts = (text: string): Omit<PieceFacts, "earlier"> => ({
    model,
    text,
    missing,
    instructions: options.instructions,
    maxOutputTokens,
  });
  if (task.settings.memoryFlush) await flushMemory(pieces.map(facts), turn, deps);
  let summary = view.summary;
  for (const text of pieces) {
    if (turn.signal.aborted) return { why: "aborted" };
    const answer = await turn.summarise(summaryRequest({ ...facts(text), earlier: summary }), turn.signal);
    if (turn.signal.aborted) return { why: "aborted" };
    if (!answer.ok) return { why: "model-failed", error: answer.error };
    const said = answer.text.trim();
    if (said === "") return { why: "model-failed", error: emptySummary(model) };
    // A model that does not keep to its length would fill the room that it was to make.
    summary = cutToTokens(
      said,
      Math.max(1, Math.floor((maxOutputTokens * 1.5) / scaledRatio(scaled))),
      "the summary was too long",
    );
  }
  return { summary: summary ?? "" };
}

function emptySummary(model: ModelInfo): AppErrorJson {
  return new AppError("MODEL_005", `The model ${model.id} summed up the conversation with nothing.`, {
    details: { reason: "empty" },
  }).toJSON();
}

function scaledRatio(scaled: CompactionTask["scaled"]): number {
  return scaled(1_000) / 1_000;
}

/** A piece, an earlier summary, the question and the answer must all fit, and what an estimate may be wrong by. */
function pieceRoom({ roomTokens, scaled, view }: CompactionTask, maxOutputTokens: number): number {
  const earlier = view.summary === null ? 0 : textTokens(view.summary);
  const room =
    Math.floor((roomTokens * pieceShare) / scaledRatio(scaled)) - Math.max(earlier, maxOutputTokens) - questionTokens;
  return Math.max(leastPieceTokens, room);
}

const pieceShare = 0.9;
const questionTokens = 600;
const leastPieceTokens = 300;

/** As many pieces as the model can read one after the other; of a history that is longer than the most, the newest. */
async function piecesOf(
  lines: readonly TalkLine[],
  { model, tokens, pause }: { model: ModelInfo; tokens: number; pause: Pause },
): Promise<{ pieces: readonly string[]; missing: number }> {
  const pieces: { readonly texts: string[]; tokens: number }[] = [];
  let newest: { readonly texts: string[]; tokens: number } | undefined;
  let index = lines.length - 1;
  for (; index >= 0; index -= 1) {
    const text = cutToTokens(renderMessage((lines[index] as TalkLine).message, model), tokens, "too long to quote");
    const size = textTokens(text);
    if (newest === undefined || newest.tokens + size > tokens) {
      if (pieces.length === limits.summaryPieces) break;
      newest = { texts: [], tokens: 0 };
      pieces.push(newest);
    }
    newest.texts.push(text);
    newest.tokens += size;
    if (index % 50 === 0) await pause();
  }
  return { pieces: pieces.toReversed().map(({ texts }) => texts.toReversed().join("\n")), missing: index + 1 };
}

function tokensOf(lines: readonly TalkLine[], { counter }: CompactorDeps): number {
  return counter.conversation(lines.map(({ message }) => message));
}

export function summaryMessages(summary: string | null): readonly ModelMessage[] {
  return summary === null ? [] : [{ role: "user", content: [{ type: "text", text: quoteSummary(summary) }] }];
}

function viewTokens({ summary, lines }: HistoryView, deps: CompactorDeps): number {
  return deps.counter.conversation(summaryMessages(summary)) + tokensOf(lines, deps);
}

interface Written {
  readonly task: CompactionTask;
  readonly told: string;
  readonly next: HistoryView;
  readonly method: "summary" | "truncation";
  readonly tokensBefore: number;
  readonly tokensAfter: number;
  readonly messages: number;
}

async function write({ task, told, next, ...facts }: Written, { sessions, clock, ids }: CompactorDeps): Promise<void> {
  const { turn, reason, model } = task;
  const atMs = clock.nowMs();
  const { method, tokensBefore, tokensAfter, messages } = facts;
  const entry = compactionEntry(
    ids.hex(4),
    {
      summary: told,
      firstKeptEntryId: next.lines[0]?.entryId ?? task.inputId,
      tokensBefore,
      details: {
        runId: turn.runId,
        reason,
        method,
        tokensAfter,
        model: method === "summary" ? model.ref : null,
        messages,
      },
      taint: turn.history.kind === "transcript" ? taintOfEntries(turn.history.entries) : [],
    },
    atMs,
  );
  await sessions.append(turn.sessionKey, [entry], atMs);
}
