/**
 * The steps of a turn: a model call, then the tools it asked for, until it answers. A step that asked for tools is
 * a row before they run, and each result is a row before the model sees it, so that a restart goes on behind the last one
 * and pays for nothing twice.
 */
import { AppError } from "../domain/app-error.ts";
import type { ModelInfo, ToolCall } from "../domain/conversation.ts";
import { limits } from "../domain/limits.ts";
import type { ModelChoice } from "../models/contract.ts";
import type { Ids } from "../platform/ids.ts";
import type { Lease } from "../store/port.ts";
import type { TranscriptDraft } from "../store/session-port.ts";
import { runCalls } from "./acting/run-calls.ts";
import { StepJournal } from "./acting/step-journal.ts";
import { openToolbox } from "./acting/toolbox.ts";
import { costOf } from "./calling/account.ts";
import { callWithFailover, type StepAnswer } from "./calling/call-with-failover.ts";
import type { ModelAnswer } from "./calling/model-call.ts";
import { createStepRequests, type StepRequests } from "./calling/step-requests.ts";
import { takeOverlapping } from "./overlap/take-overlapping.ts";
import { assistantEntry } from "./transcript-entry.ts";
import type { AgentDeps, Turn, TurnEnd } from "./turn.ts";

/** `turn.choice` says which models may answer. */
export async function runSteps(turn: Turn, deps: AgentDeps): Promise<TurnEnd> {
  const tools = await openToolbox(turn, deps);
  const requests = createStepRequests(turn, tools, deps);
  const journal = new StepJournal(turn, deps);
  if (!isFirstTake(turn.lease)) journal.replay(await deps.store.turns.steps(turn.row.runId));
  let brokenSteps = 0;
  while (journal.modelSteps < limits.stepsPerTurn || journal.pending.length > 0) {
    // Aborted while it waited, or while a tool ran: nothing more is asked or done.
    turn.signal.throwIfAborted();
    await runCalls(turn, tools, journal, deps);
    if (journal.modelSteps >= limits.stepsPerTurn) break;
    for (const said of await takeOverlapping(turn, journal.nextIndex, deps)) journal.said(said);
    const { answer, model } = await stepModel(turn, requests, deps);
    if (answer.error !== null) return failed(answer);
    const callerCalls = answer.calls.filter((call) => isCallersTool(turn, call));
    if (answer.calls.length === 0 || callerCalls.length > 0) {
      return {
        state: "final",
        stopReason: callerCalls.length > 0 ? "tool-calls" : answer.stopReason,
        toolCalls: callerCalls,
        error: null,
      };
    }
    brokenSteps = answer.calls.every(isUnreadable) ? brokenSteps + 1 : 0;
    if (brokenSteps >= limits.unreadableSteps) return failedWith(unreadableCalls(model));
    await journal.model({
      content: answer.content,
      calls: answer.calls,
      entry: turn.transcript.at(-1) as TranscriptDraft,
      usage: answer.usage,
      costMicros: costOf(answer, model),
      text: turn.text,
    });
    await deps.failpoints.reach("step-committed");
  }
  return failedWith(
    new AppError("RUN_004", `The turn used all of its ${limits.stepsPerTurn} steps without an answer.`),
  );
}

/** By the epoch, which every take raises: a worker that gave the message back is not among the attempts. */
function isFirstTake(lease: Lease): boolean {
  return lease.epoch === 1;
}

async function stepModel(turn: Turn, requests: StepRequests, deps: AgentDeps): Promise<StepAnswer> {
  const step = await callWithFailover(turn, turn.choice as ModelChoice, requests, deps);
  await deps.failpoints.reach("model-answered");
  const { model, api } = step;
  const answer = withOwnIds(step.answer, turn, deps.ids);
  turn.conversation.push({ role: "assistant", content: answer.content });
  if (answer.content.length > 0 || answer.error !== null) {
    turn.transcript.push(
      assistantEntry({
        id: deps.ids.hex(4),
        runId: turn.row.runId,
        content: answer.content,
        model,
        api,
        usage: answer.usage,
        stopReason: answer.stopReason,
        atMs: deps.clock.nowMs(),
        ...(answer.error === null ? {} : { errorMessage: answer.error.message }),
      }),
    );
  }
  return { ...step, answer };
}

/**
 * Of a request that did not fit the oldest steps of its turn are left out, so the model may name a call as one of those
 * was named. What a person allowed and what was ordered hang on the name of the call, and are for one call alone.
 */
function withOwnIds(answer: ModelAnswer, { conversation }: Turn, ids: Ids): ModelAnswer {
  const taken = new Set(
    conversation.flatMap((message) =>
      message.role === "assistant"
        ? message.content.flatMap((part) => (part.type === "tool-call" ? [part.callId] : []))
        : [],
    ),
  );
  const renamed = new Map(
    answer.calls.flatMap(({ callId }) => (taken.has(callId) ? [[callId, `call_${ids.hex(8)}`] as const] : [])),
  );
  if (renamed.size === 0) return answer;
  const nameOf = (callId: string): string => renamed.get(callId) ?? callId;
  return {
    ...answer,
    calls: answer.calls.map((call) => ({ ...call, callId: nameOf(call.callId) })),
    content: answer.content.map((part) =>
      part.type === "tool-call" ? { ...part, callId: nameOf(part.callId) } : part,
    ),
  };
}

/** Broken JSON: what a provider could not read is handed on as the text that it is. */
function isUnreadable({ input }: ToolCall): boolean {
  return typeof input === "string";
}

/** It is told each time what was wrong, and each time costs money. */
function unreadableCalls({ id, provider, ref }: ModelInfo): AppError {
  const message = `The model ${id} asked for tools in words that cannot be read, ${limits.unreadableSteps} times in a row.`;
  const attempt = { model: ref, profileId: null, reason: "unreadable" };
  return new AppError("MODEL_005", message, { details: { reason: "unreadable", provider, attempts: [attempt] } });
}

function isCallersTool(turn: Turn, call: ToolCall): boolean {
  return turn.options.tools?.some((spec) => spec.name === call.tool) ?? false;
}

function failedWith(error: AppError): TurnEnd {
  return { state: "error", stopReason: "error", toolCalls: [], error: error.toJSON() };
}

function failed(answer: ModelAnswer): TurnEnd {
  const aborted = answer.stopReason === "aborted";
  return { state: aborted ? "aborted" : "error", stopReason: answer.stopReason, toolCalls: [], error: answer.error };
}
