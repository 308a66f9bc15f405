/** The end of a turn: one commit with everything that follows from it, then the news. */
import { AppError, type AppErrorJson } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { noUsage } from "../domain/money.ts";
import { writeWithPatience } from "../store/patience.ts";
import type { OutboxDraft, TurnResult } from "../store/port.ts";
import type { StreamedReply } from "./contract.ts";
import { keptParts } from "./budget-refusal.ts";
import { failureText } from "./failure-text.ts";
import { emitOf, type AgentDeps, type Turn, type TurnEnd } from "./turn.ts";

export async function commitTurn(turn: Turn, end: TurnEnd, deps: AgentDeps): Promise<void> {
  turn.transcript.unshift(...(await turn.unwritten));
  // From here on the stream says nothing more: what is left to say is the result's.
  const streamed = (await turn.stream?.end()) ?? nothingStreamed;
  await deps.failpoints.reach("before-result");
  const atMs = deps.clock.nowMs();
  const part = { atMs, partId: deps.ids.uuid(), initialStateOf: deps.initialStateOf, streamed };
  const drafted = turnResult(turn, end, part);
  const result = await turn.pipeline.run("commit", () => writeResult(turn, drafted, part, deps));
  await deps.failpoints.reach("result-committed");
  tellEnd(turn, result, deps);
  tellWhatWaits(turn, result, deps);
  if (result.outbox.some((part) => part.state === "prepared")) deps.wakeDelivery();
}

/** Returns the result as it stands in the store. */
async function writeResult(turn: Turn, result: TurnResult, part: PartFacts, deps: AgentDeps): Promise<TurnResult> {
  const { clock, log, store } = deps;
  // Held for as long as the reply would be good: it was paid for, and to ask the model again would say something else.
  // The lease may run out meanwhile; the queue renews it before it claims, and nobody else can claim on this medium.
  const patience = { clock, log, signal: deps.registry.stopping(), patienceMs: limits.replyTtlMs };
  try {
    await writeWithPatience(() => store.turns.finish(turn.lease, result), patience);
    return result;
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error.code !== "SYS_001") throw error;
    // Of a value that no store can hold a second attempt makes the same: the turn ends without it, or its session
    // would stand still and the message be answered, and paid for, again and again.
    log.error("a result cannot be kept; the turn ends without it", { runId: turn.row.runId, error: error.toJSON() });
    const bare = bareResult(turn, error, part);
    await writeWithPatience(() => store.turns.finish(turn.lease, bare), patience);
    return bare;
  }
}

function bareResult(turn: Turn, error: AppError, part: PartFacts): TurnResult {
  const end: TurnEnd = { state: "error", stopReason: "error", toolCalls: [], error: error.toJSON() };
  const empty: Turn = { ...turn, text: "", transcript: [], ledger: [], usage: noUsage, costMicros: null };
  return turnResult(empty, end, part);
}

interface PartFacts {
  readonly atMs: number;
  readonly partId: string;
  readonly initialStateOf: AgentDeps["initialStateOf"];
  readonly streamed: StreamedReply;
}

const nothingStreamed: StreamedReply = Object.freeze({ saidChars: 0, draftMessageId: null, preface: null });

/** What is told of an end. */
type ToldEnd = Omit<TurnResult, "transcript" | "outbox" | "ledger" | "inbox" | "atMs">;

/** The one terminal event of a run. */
export function tellEnd(turn: Turn, end: ToldEnd, deps: Pick<AgentDeps, "bus" | "clock">): void {
  const { state, text, stopReason, usage, costMicros, model, toolCalls, error } = end;
  emitOf(turn, deps, { type: "run.steps", steps: turn.pipeline.steps });
  emitOf(turn, deps, {
    type: "run.ended",
    outcome: state,
    text,
    stopReason,
    usage,
    costMicros,
    model,
    toolCalls,
    ...(error === null ? {} : { error }),
  });
}

/** What a person has to look at: a part that needs a yes, and a message that nobody will answer by itself. */
function tellWhatWaits(turn: Turn, { outbox, inbox, atMs }: TurnResult, { bus }: AgentDeps): void {
  const { sessionKey, message } = turn.row;
  for (const { id, address, state } of outbox) {
    if (state === "held") bus.emit({ type: "outbox.held", partId: id, sessionKey, address, atMs });
  }
  if (inbox.state === "dead") bus.emit({ type: "dlq.changed", change: "added", ids: [message.id], atMs });
}

function turnResult(turn: Turn, end: TurnEnd, part: PartFacts): TurnResult {
  return {
    state: end.state,
    text: turn.text,
    toolCalls: end.toolCalls,
    stopReason: end.stopReason,
    model: turn.model?.ref ?? "none",
    usage: turn.usage,
    costMicros: turn.costMicros,
    error: end.error,
    transcript: turn.row.ephemeral ? [] : turn.transcript,
    outbox: outboxParts(turn, end, part),
    ledger: turn.ledger,
    inbox: inboxEnd(end),
    ...(end.kept === undefined ? {} : { resumable: true }),
    atMs: part.atMs,
  };
}

function inboxEnd({ state, error, givenUp, kept }: TurnEnd): TurnResult["inbox"] {
  const dead = kept?.reason ?? givenUp;
  if (dead !== undefined) return { state: "dead", reason: dead };
  return { state: "replied", reason: error === null ? state : `${state}:${error.code}` };
}

/**
 * The reply, or the honest word that there is none; of an answer that was put out while it was written, what is left. A
 * turn that somebody stopped says nothing more.
 */
function outboxParts(turn: Turn, end: TurnEnd, part: PartFacts): readonly OutboxDraft[] {
  const { row, options } = turn;
  if (row.ephemeral || options.deliver === false || end.state === "aborted") return [];
  if (end.kept !== undefined) return keptParts(row.message, end.kept, part);
  const { atMs, partId, initialStateOf, streamed } = part;
  const markdown = replyText(turn.text.slice(streamed.saidChars), end.error, noticeLine(turn, end));
  if (markdown.trim() === "") return [];
  return [
    {
      id: partId,
      address: row.message.address,
      ...(streamed.draftMessageId !== null && { action: { type: "edit", messageId: streamed.draftMessageId } }),
      // What was put out before has quoted it.
      replyToId: streamed.saidChars > 0 ? null : turn.replyToId,
      reply: { markdown: `${streamed.preface ?? ""}${markdown}` },
      expiresMs: atMs + limits.replyTtlMs,
      state: initialStateOf(row.message.address),
    },
  ];
}

function replyText(text: string, error: AppErrorJson | null, notice: string | null): string {
  const word = error === null ? notice : failureText(error);
  if (word === null) return text;
  return [text, word].filter((piece) => piece.trim() !== "").join("\n\n");
}

/** How the answer came about, under it, where the person wants to know. An error tells that itself. */
function noticeLine({ notices, settings }: Turn, { error }: TurnEnd): string | null {
  if (!settings.notices || error !== null || notices.length === 0) return null;
  return [...new Set(notices)].map((notice) => `_${notice}_`).join("\n");
}
