/**
 * One call of a tool for a caller of the gateway: through the toolbox, the guard and the bounds of an agent's own calls, so
 * that there is no second way to a tool. No model asks, nothing is written to a transcript, and nothing outlives the call.
 */
import { AppError } from "../../domain/app-error.ts";
import type { ToolCall } from "../../domain/conversation.ts";
import { noUsage } from "../../domain/money.ts";
import type { Decision } from "../../policy/contract.ts";
import { checkedInput, runTool } from "../../tools/run-tool.ts";
import type { InvokeTool, Invocation, Invoked } from "../contract.ts";
import { emitOf, type AgentDeps, type ToolCaller } from "../turn.ts";
import { Parked } from "../turn-registry.ts";
import { answered, decideCall, judgeCall, ofTool, type PlannedCall, type Verdict } from "./guard.ts";
import { WaitsForPerson } from "./parked-turn.ts";
import { toolContextOf } from "./tool-context.ts";
import { openToolbox } from "./toolbox.ts";

export type InvokeDeps = Pick<
  AgentDeps,
  "bus" | "clock" | "config" | "tools" | "policy" | "approvals" | "commands" | "registry" | "isOwner"
>;

/** One call each: a question about it is found again by this name when the same call comes back. */
const callId = "invoke";

export function createInvokeTool(deps: InvokeDeps): InvokeTool {
  return async (invocation) => {
    const { runId, sessionKey, agentId, message } = invocation;
    if (deps.registry.stopping().aborted) throw new AppError("SYS_007", "The gateway is stopping.");
    if (deps.registry.active().some((turn) => turn.runId === runId)) return { state: "under-way" };
    // `/stop` in the session, and the end of the gateway, end it as they end a turn; a budget has no say in it.
    const active = deps.registry.begin({
      runId,
      sessionKey,
      agentId,
      startedMs: deps.clock.nowMs(),
      asksNoModel: true,
    });
    const caller: ToolCaller = {
      row: { runId, sessionKey, agentId, message, ephemeral: false },
      options: { origin: "invoke" },
      config: deps.config(),
      signal: AbortSignal.any([active.signal, invocation.signal]),
      choice: null,
      transcript: [],
      earlier: [],
      taint: [],
    };
    try {
      return await invoke(caller, invocation, deps);
    } catch (thrown) {
      throw thrown instanceof Parked ? new AppError("SYS_007", "The gateway is stopping.") : thrown;
    } finally {
      active.end();
    }
  };
}

async function invoke(caller: ToolCaller, invocation: Invocation, deps: InvokeDeps): Promise<Invoked> {
  const tools = await openToolbox(caller, deps);
  const tool = tools.tools.find(({ name }) => name === invocation.tool);
  // Whoever may not use it does not learn that it is there.
  if (tool === undefined) return { state: "unknown" };
  const call: ToolCall = { callId, tool: tool.name, input: invocation.args };
  const toolNames = tools.tools.map(({ name }) => name);
  const context = toolContextOf(caller, { callId, toolNames, taint: caller.taint }, deps);
  const planned: PlannedCall = { tool, call, input: validInput(tool, invocation.args), context };
  if (invocation.dryRun) return { state: "judged", ...shown((await decideCall(caller, planned, deps)).decision) };
  emitOf(caller, deps, { type: "run.started", messageId: caller.row.message.id });
  emitOf(caller, deps, { type: "tool.started", callId, tool: tool.name, input: call.input });
  try {
    const invoked = await judgedAndRun(caller, { planned, invocation }, deps);
    if (invoked.state === "done") {
      emitOf(caller, deps, { type: "tool.completed", callId, tool: tool.name, output: invoked.text });
    }
    if (invoked.state === "refused") tellFailure(caller, { tool: tool.name, error: invoked.error }, deps);
    tellEnd(caller, deps, invoked.state === "refused" ? invoked.error : undefined);
    return invoked;
  } catch (thrown) {
    const error = AppError.from(thrown instanceof Parked ? undefined : thrown, "RUN_003");
    tellFailure(caller, { tool: tool.name, error }, deps);
    tellEnd(caller, deps, error);
    throw thrown;
  }
}

/** Throws RPC_003 with the schema's own words: they are for whoever wrote the call. */
function validInput(tool: PlannedCall["tool"], args: unknown): unknown {
  try {
    return checkedInput(tool, args);
  } catch (thrown) {
    throw new AppError("RPC_003", AppError.from(thrown).message, { cause: thrown, details: { param: "args" } });
  }
}

async function judgedAndRun(
  caller: ToolCaller,
  { planned, invocation }: { readonly planned: PlannedCall; readonly invocation: Invocation },
  deps: InvokeDeps,
): Promise<Invoked> {
  const verdict = await judged(caller, { planned, waitMs: invocation.waitMs }, deps);
  if (verdict instanceof WaitsForPerson) {
    return { state: "waiting", approvalId: verdict.approvalId, untilMs: verdict.untilMs };
  }
  if (!verdict.may) return { state: "refused", error: verdict.error };
  caller.signal.throwIfAborted();
  await invocation.beforeRun?.();
  const context = { ...planned.context, command: verdict.command };
  const output = await ofTool(() => runTool(planned.tool, planned.call.input, context));
  return { state: "done", text: output.text, from: output.from ?? null };
}

/** The caller's line stays open while a person is asked, for so long; the question itself stays open longer. */
async function judged(
  caller: ToolCaller,
  { planned, waitMs }: { readonly planned: PlannedCall; readonly waitMs: number },
  deps: InvokeDeps,
): Promise<Verdict | WaitsForPerson> {
  const deadlineMs = deps.clock.nowMs() + waitMs;
  // From before it is asked: an answer may be there before anybody waits for it.
  const resolved = new Set<string>();
  const stop = deps.bus.on("approval.resolved", ({ id }) => void resolved.add(id));
  try {
    for (;;) {
      try {
        return await judgeCall(caller, planned, deps);
      } catch (thrown) {
        if (!(thrown instanceof WaitsForPerson)) throw thrown;
        const { approvalId, untilMs } = thrown;
        if (resolved.has(approvalId)) continue;
        if (deps.clock.nowMs() >= deadlineMs) return thrown;
        const wait = { untilMs: Math.min(untilMs, deadlineMs), signal: caller.signal };
        await answered(approvalId, wait, deps);
      }
    }
  } finally {
    stop();
  }
}

function shown({ effect, rule }: Decision): Pick<Extract<Invoked, { state: "judged" }>, "effect" | "rule" | "says"> {
  return { effect, rule: rule.where, says: rule.says };
}

function tellFailure(
  caller: ToolCaller,
  { tool, error }: { readonly tool: string; readonly error: AppError },
  deps: InvokeDeps,
): void {
  emitOf(caller, deps, { type: "tool.failed", callId, tool, error: error.toJSON() });
}

/** Clients that follow a run hear that it is over; it said nothing and cost nothing. */
function tellEnd(caller: ToolCaller, deps: InvokeDeps, error?: AppError): void {
  emitOf(caller, deps, {
    type: "run.ended",
    outcome: error === undefined ? "final" : error.code === "RUN_001" ? "aborted" : "error",
    text: "",
    stopReason: error === undefined ? "stop" : error.code === "RUN_001" ? "aborted" : "error",
    usage: noUsage,
    costMicros: 0,
    model: "none",
    toolCalls: [],
    ...(error === undefined ? {} : { error: error.toJSON() }),
  });
}
