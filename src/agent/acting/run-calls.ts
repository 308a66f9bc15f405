/**
 * Runs the calls that one answer of the model asked for, in its order: judged, journaled, run, journaled again. Whatever
 * becomes of a call is a result that the model reads; the turn ends only where it goes in a circle or waits for a person.
 */
import { AppError } from "../../domain/app-error.ts";
import type { ToolCall, ToolResult } from "../../domain/conversation.ts";
import { wrapExternal } from "../../domain/external.ts";
import type { Taint } from "../../domain/taint.ts";
import { contentHash } from "../../platform/content-hash.ts";
import { checkedInput, runTool } from "../../tools/run-tool.ts";
import type { Tool, ToolContext, ToolEffect, ToolOutput } from "../../tools/contract.ts";
import { toolEntry } from "../transcript-entry.ts";
import { Parked } from "../turn-registry.ts";
import { emitOf, type AgentDeps, type ToolSet, type Turn } from "../turn.ts";
import { askPerson, judgeCall, ofTool, type PlannedCall, type Verdict } from "./guard.ts";
import { WaitsForPerson } from "./parked-turn.ts";
import type { FinishedCall, InDoubt, StepJournal } from "./step-journal.ts";
import { toolContextOf } from "./tool-context.ts";

/** Throws RUN_005 where the turn goes in a circle, WaitsForPerson where it has to be parked, and the signal's reason. */
export async function runCalls(turn: Turn, tools: ToolSet, journal: StepJournal, deps: AgentDeps): Promise<void> {
  for (const call of journal.pending) {
    turn.signal.throwIfAborted();
    const finished = await runCall(turn, { call, tools, journal }, deps);
    // A tool that the stop of the gateway cut off has no result: it runs again after the next start, as after a crash.
    if (turn.signal.reason instanceof Parked) throw turn.signal.reason;
    await journal.done(finished);
    const trouble = journal.circle.trouble();
    if (trouble !== null) throw trouble;
  }
}

interface OpenCall {
  readonly call: ToolCall;
  readonly tools: ToolSet;
  readonly journal: StepJournal;
}

/** A failing tool is a result the model reads, never the end of the turn. */
async function runCall(turn: Turn, open: OpenCall, deps: AgentDeps): Promise<FinishedCall> {
  const { callId, tool: name, input } = open.call;
  emitOf(turn, deps, { type: "tool.started", callId, tool: name, input });
  const outcome = await outcomeOf(turn, open, deps);
  const { text, error } = outcome;
  if (error === null) emitOf(turn, deps, { type: "tool.completed", callId, tool: name, output: text });
  else emitOf(turn, deps, { type: "tool.failed", callId, tool: name, error: error.toJSON() });
  const shown =
    outcome.from === undefined ? text : wrapExternal(text, { source: outcome.from, marker: deps.ids.hex(8) });
  const result: ToolResult = { callId, tool: name, output: shown, isError: error !== null };
  const taint: Taint | null = outcome.from ?? null;
  const entry = toolEntry(deps.ids.hex(4), result, deps.clock.nowMs(), taint);
  return { result, entry, taint, digest: contentHash(text), refused: outcome.refused };
}

interface Outcome extends ToolOutput {
  readonly error: AppError | null;
  readonly refused: readonly string[];
}

async function outcomeOf(turn: Turn, open: OpenCall, deps: AgentDeps): Promise<Outcome> {
  try {
    const planned = planOf(turn, open, deps);
    const doubt = open.journal.inDoubt(open.call.callId);
    if (doubt !== null) await askAboutDoubt(turn, { planned, doubt }, deps);
    const verdict = await judgeCall(turn, planned, deps);
    if (!verdict.may) return failed(verdict.error, verdict.targets);
    const context = { ...planned.context, command: verdict.command };
    if (effectOf(planned) === "unsafe") await open.journal.begun(open.call.callId, shownCall(open.call));
    await deps.failpoints.reach("tool-running");
    const output = await ofTool(() => run(planned, verdict, context));
    await deps.failpoints.reach("tool-finished");
    return { error: null, refused: [], ...output };
  } catch (thrown) {
    if (thrown instanceof WaitsForPerson) throw thrown;
    // The medium, the lease or the person's stop: not this tool's failure.
    const error = AppError.from(thrown, "RUN_003");
    if (error.code.startsWith("STORE_")) throw error;
    return failed(error, []);
  }
}

/** Also in its failure, another program's words are another program's. */
async function run(
  { tool, call }: PlannedCall,
  { act }: Extract<Verdict, { may: true }>,
  context: ToolContext,
): Promise<ToolOutput & Partial<Outcome>> {
  try {
    return await runTool(tool, call.input, context);
  } catch (thrown) {
    const error = AppError.from(thrown, "RUN_003");
    if (act.kind !== "server" || error.code !== "RUN_003") throw error;
    return { text: error.message, error, from: { class: "foreign", source: `MCP server ${act.server}` } };
  }
}

function failed(error: AppError, refused: readonly string[]): Outcome {
  return { text: error.message, error, refused };
}

function planOf(turn: Turn, { call, tools }: OpenCall, deps: AgentDeps): PlannedCall {
  const tool = tools.tools.find(({ name }) => name === call.tool);
  if (tool === undefined) throw new AppError("RUN_003", `There is no tool named ${JSON.stringify(call.tool)}.`);
  const toolNames = tools.tools.map(({ name }) => name);
  const context = toolContextOf(turn, { callId: call.callId, toolNames, taint: turn.taint }, deps);
  return { tool, call, input: checkedInput(tool, call.input), context };
}

function effectOf({ tool, input }: { readonly tool: Tool; readonly input: unknown }): ToolEffect {
  return tool.effectOf?.(input) ?? tool.effect;
}

function shownCall({ tool, input }: ToolCall): string {
  return `${tool} ${JSON.stringify(input)}`;
}

/**
 * The process died while this call ran: it may have had its effect. Its owner says whether it runs (again). Returns where
 * it may; throws RUN_003 with words for the model where it may not.
 */
async function askAboutDoubt(
  turn: Turn,
  { planned: { tool, call }, doubt }: { readonly planned: PlannedCall; readonly doubt: InDoubt },
  deps: AgentDeps,
): Promise<void> {
  const question = {
    tool: tool.name,
    shown: doubt.shown,
    reasons: ["The gateway stopped while this ran: it may have been done already. Allowing it does it (again)."],
    taint: turn.taint,
    // Where it was in doubt before, that yes was for that time.
    binding: contentHash(["in-doubt", turn.row.runId, call.callId, doubt.shown, doubt.times]),
    command: null,
    always: null,
    fallback: "deny",
  } as const;
  const asked = await askPerson(turn, { question, callId: call.callId, kind: "in-doubt" }, deps);
  if (asked.state === "allowed") return;
  throw new AppError(
    "RUN_003",
    `The gateway stopped while ${tool.name} ran. Whether it was done is not known, and it was not repeated. Look whether it was done before you rely on it.`,
  );
}
