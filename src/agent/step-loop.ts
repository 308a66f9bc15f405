/**
 * The steps of a turn: a model call, then the tools it asked for, until it answers. A step that asked for tools is
 * a row before they run, and its results are a row before the model sees them, so that a restart goes on behind
 * the last one and pays for nothing twice.
 */
import { AppError } from "../domain/app-error.ts";
import type { AssistantContent, ModelInfo, ToolCall, ToolResult } from "../domain/conversation.ts";
import { limits } from "../domain/limits.ts";
import type { TokenUsage } from "../domain/money.ts";
import type { ModelChoice } from "../models/contract.ts";
import { writeWithPatience } from "../store/patience.ts";
import type { Lease, StepRow, TranscriptDraft } from "../store/port.ts";
import { runTool } from "../tools/run-tool.ts";
import { toolContextOf } from "./acting/tool-context.ts";
import { addCost, costOf } from "./calling/account.ts";
import { callWithFailover, type StepAnswer } from "./calling/call-with-failover.ts";
import type { ModelAnswer } from "./calling/model-call.ts";
import { createStepRequests, type StepRequests } from "./calling/step-requests.ts";
import type { SaidRecord } from "./overlap/said.ts";
import { takeIn, takeOverlapping } from "./overlap/take-overlapping.ts";
import { assistantEntry, toolEntry } from "./transcript-entry.ts";
import { Parked } from "./turn-registry.ts";
import { emitOf, type AgentDeps, type ToolSet, type Turn, type TurnEnd } from "./turn.ts";

/** What a `model` step row holds: enough to go on behind it, and to write the transcript and the sums at the end. */
interface ModelStepRecord {
  readonly content: readonly AssistantContent[];
  readonly calls: readonly ToolCall[];
  readonly entry: TranscriptDraft;
  readonly usage: TokenUsage;
  readonly costMicros: number | null;
  /** The turn's text up to and with this step. */
  readonly text: string;
}

/** What a `tool` step row holds. */
interface ToolStepRecord {
  readonly results: readonly ToolResult[];
  readonly entries: readonly TranscriptDraft[];
}

/** `turn.choice` says which models may answer. */
export async function runSteps(turn: Turn, deps: AgentDeps): Promise<TurnEnd> {
  const tools = await deps.tools();
  const requests = createStepRequests(turn, tools, deps);
  let { nextIndex, pending } = replay(
    turn,
    isFirstTake(turn.lease) ? [] : await deps.store.turns.steps(turn.row.runId),
  );
  let brokenSteps = 0;
  while (nextIndex < limits.stepsPerTurn) {
    // Aborted while it waited, or while a tool ran: nothing more is asked or done.
    turn.signal.throwIfAborted();
    if (pending.length > 0) {
      await runTools(turn, { calls: pending, tools, index: nextIndex }, deps);
      pending = [];
      nextIndex += 1;
    }
    for (const said of await takeOverlapping(turn, nextIndex, deps)) {
      takeIn(turn, said);
      nextIndex += 1;
    }
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
    const record: ModelStepRecord = {
      content: answer.content,
      calls: answer.calls,
      entry: turn.transcript.at(-1) as TranscriptDraft,
      usage: answer.usage,
      costMicros: costOf(answer, model),
      text: turn.text,
    };
    await appendStep(turn, { index: nextIndex, kind: "model", record }, deps);
    await deps.failpoints.reach("step-committed");
    nextIndex += 1;
    pending = answer.calls;
  }
  return failedWith(
    new AppError("RUN_004", `The turn used all of its ${limits.stepsPerTurn} steps without an answer.`),
  );
}

/** By the epoch, which every take raises: a worker that gave the message back is not among the attempts. */
function isFirstTake(lease: Lease): boolean {
  return lease.epoch === 1;
}

/** Puts finished steps of an earlier attempt back into the conversation. `pending`: calls whose tools had not run. */
function replay(turn: Turn, steps: readonly StepRow[]): { nextIndex: number; pending: readonly ToolCall[] } {
  let pending: readonly ToolCall[] = [];
  for (const step of steps) {
    if (step.kind === "model") {
      const record = step.record as ModelStepRecord;
      turn.conversation.push({ role: "assistant", content: record.content });
      turn.transcript.push(record.entry);
      turn.text = record.text;
      addCost(turn, record.usage, record.costMicros);
      pending = record.calls;
    } else if (step.kind === "said") takeIn(turn, step.record as SaidRecord);
    else {
      const record = step.record as ToolStepRecord;
      turn.conversation.push({ role: "tool", results: record.results });
      turn.transcript.push(...record.entries);
      pending = [];
    }
  }
  return { nextIndex: steps.length === 0 ? 0 : (steps.at(-1) as StepRow).index + 1, pending };
}

async function stepModel(turn: Turn, requests: StepRequests, deps: AgentDeps): Promise<StepAnswer> {
  const step = await callWithFailover(turn, turn.choice as ModelChoice, requests, deps);
  await deps.failpoints.reach("model-answered");
  const { answer, model, api } = step;
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
  return step;
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

async function runTools(
  turn: Turn,
  { calls, tools, index }: { calls: readonly ToolCall[]; tools: ToolSet; index: number },
  deps: AgentDeps,
): Promise<void> {
  const results: ToolResult[] = [];
  for (const call of calls) results.push(await runOne(turn, call, tools, deps));
  // A tool that the stop of the gateway cut off has no result: it runs again after the next start, as after a crash.
  if (turn.signal.reason instanceof Parked) throw turn.signal.reason;
  const entries = results.map((result) => toolEntry(deps.ids.hex(4), result, deps.clock.nowMs()));
  const record: ToolStepRecord = { results, entries };
  await appendStep(turn, { index, kind: "tool", record }, deps);
  turn.conversation.push({ role: "tool", results });
  turn.transcript.push(...entries);
}

/** A failing tool is a result the model reads, never the end of the turn. */
async function runOne(turn: Turn, call: ToolCall, tools: ToolSet, deps: AgentDeps): Promise<ToolResult> {
  const { callId, tool: name, input } = call;
  emitOf(turn, deps, { type: "tool.started", callId, tool: name, input });
  try {
    const tool = tools.tools.find((candidate) => candidate.name === name);
    if (tool === undefined) throw new AppError("RUN_003", `There is no tool named ${JSON.stringify(name)}.`);
    const context = toolContextOf(turn, { callId, toolNames: tools.tools.map((one) => one.name), taint: [] }, deps);
    await deps.failpoints.reach("tool-running");
    const { text: output } = await runTool(tool, input, context);
    await deps.failpoints.reach("tool-finished");
    emitOf(turn, deps, { type: "tool.completed", callId, tool: name, output });
    return { callId, tool: name, output, isError: false };
  } catch (thrown) {
    const error = AppError.from(thrown, "RUN_003");
    emitOf(turn, deps, { type: "tool.failed", callId, tool: name, error: error.toJSON() });
    return { callId, tool: name, output: error.message, isError: true };
  }
}

/**
 * Writes a finished step with what it cost. A medium that refuses is waited for, as it is for a result: the step was paid
 * for, or its tool has done what it does.
 */
async function appendStep(
  turn: Turn,
  step: Pick<StepRow, "index" | "kind" | "record">,
  deps: AgentDeps,
): Promise<void> {
  const ledger = turn.ledger.splice(0);
  const row: StepRow = { ...step, runId: turn.row.runId, atMs: deps.clock.nowMs() };
  const { clock, log, registry, store } = deps;
  const patience = { clock, log, signal: registry.stopping(), patienceMs: limits.replyTtlMs };
  await writeWithPatience(() => store.turns.appendStep(turn.lease, row, { ledger }), patience);
}

function failedWith(error: AppError): TurnEnd {
  return { state: "error", stopReason: "error", toolCalls: [], error: error.toJSON() };
}

function failed(answer: ModelAnswer): TurnEnd {
  const aborted = answer.stopReason === "aborted";
  return { state: aborted ? "aborted" : "error", stopReason: answer.stopReason, toolCalls: [], error: answer.error };
}
