/**
 * The one gate in front of every tool: what the call is about to do, whether policy lets it, and, where a person has to be
 * asked, what they said. Runs nothing.
 */
import type { Act } from "../../domain/act.ts";
import { AppError } from "../../domain/app-error.ts";
import type { ApprovedCommand } from "../../domain/authority.ts";
import type { ToolCall } from "../../domain/conversation.ts";
import type { AskKind, Asked } from "../../approvals/contract.ts";
import type { PlannedCommand } from "../../exec/contract.ts";
import type { CallFacts, Decision, Question } from "../../policy/contract.ts";
import type { Tool, ToolContext } from "../../tools/contract.ts";
import { emitOf, type AgentDeps, type ToolCaller } from "../turn.ts";
import { callFactsOf } from "./call-facts.ts";
import { targetsOf } from "./circle.ts";
import { WaitsForPerson } from "./parked-turn.ts";

export type GuardDeps = Pick<AgentDeps, "policy" | "approvals" | "commands" | "bus" | "clock" | "isOwner">;

export type Verdict =
  | { readonly may: true; readonly act: Act; readonly command: ApprovedCommand | null }
  /** `targets`: what it was about, so that the same thing by another way is known again. */
  | { readonly may: false; readonly error: AppError; readonly targets: readonly string[] };

export interface PlannedCall {
  readonly tool: Tool;
  readonly call: ToolCall;
  readonly input: unknown;
  readonly context: ToolContext;
}

/**
 * Throws what `plan` throws, and WaitsForPerson where somebody has to answer first: the turn is to be parked, and asks
 * again, about the same call, when it goes on.
 */
export async function judgeCall(turn: ToolCaller, planned: PlannedCall, deps: GuardDeps): Promise<Verdict> {
  const { tool, call } = planned;
  const { act, facts, decision } = await decideCall(turn, planned, deps);
  const { effect, rule } = decision;
  emitOf(turn, deps, {
    type: "tool.decided",
    callId: call.callId,
    tool: tool.name,
    effect,
    rule: rule.where,
    says: rule.says,
    facts,
  });
  return lift(turn, { decision, act, callId: call.callId, kind: act.kind === "command" ? "exec" : "tool" }, deps);
}

/** What policy says of the call, without asking anybody or telling anything. Throws what `plan` throws. */
export async function decideCall(
  turn: ToolCaller,
  { tool, input, context }: Pick<PlannedCall, "tool" | "input" | "context">,
  deps: Pick<AgentDeps, "policy" | "isOwner">,
): Promise<{ readonly act: Act; readonly facts: CallFacts; readonly decision: Decision }> {
  const act: Act = (await ofTool(async () => await tool.plan?.(input, context))) ?? { kind: "look" };
  const facts = callFactsOf(turn, { tool: tool.name, act }, deps);
  return { act, facts, decision: await deps.policy.decide(facts) };
}

/**
 * What the disk said to a tool is the tool's failure, which the model reads: the turn would else be tried again and again
 * for a folder that only a person can mend. Where the house's own store is down, the row behind the call tells.
 */
export async function ofTool<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = AppError.from(thrown, "RUN_003");
    if (!error.code.startsWith("STORE_")) throw error;
    throw new AppError("RUN_003", error.message, { cause: error });
  }
}

interface Judged {
  readonly decision: Decision;
  readonly act: Act;
  readonly callId: string;
  readonly kind: AskKind;
}

async function lift(turn: ToolCaller, { decision, act, callId, kind }: Judged, deps: GuardDeps): Promise<Verdict> {
  switch (decision.effect) {
    case "deny":
      return { may: false, error: new AppError("SEC_010", decision.message), targets: targetsOf(act) };
    case "allow": {
      const verdict = await runnable(act, decision.command, deps);
      // What was allowed for good and is used stays on its list.
      if (verdict.may && decision.command !== null) deps.commands.used(turn.row.agentId, decision.command);
      return verdict;
    }
    case "ask": {
      const { question } = decision;
      const asked = await askPerson(turn, { question, callId, kind }, deps);
      if (asked.state === "denied") return { may: false, error: refusalOf(asked), targets: targetsOf(act) };
      // The answer is for what was shown then, and the question is kept by it: another binding is another question.
      if (asked.binding !== question.binding) {
        const error = new AppError("SEC_012", "What was to run is no longer what was allowed. Ask for it again.");
        return { may: false, error, targets: [] };
      }
      return runnable(act, question.command, deps);
    }
  }
}

/** From here on exactly this command may run, and nothing else. */
async function runnable(act: Act, command: PlannedCommand | null, deps: GuardDeps): Promise<Verdict> {
  if (act.kind !== "command") return { may: true, act, command: null };
  // No plan, no spawn: a policy that says nothing of the command has not allowed it.
  if (command === null) {
    return { may: false, error: new AppError("SEC_010", "This command was not judged."), targets: targetsOf(act) };
  }
  try {
    return { may: true, act, command: await deps.commands.approve(command) };
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error.code !== "SEC_012") throw error;
    return { may: false, error, targets: [] };
  }
}

/** Throws WaitsForPerson while nobody has answered. Whoever waits on an open line waits here: there is no place to give back. */
export async function askPerson(
  turn: ToolCaller,
  { question, callId, kind }: { readonly question: Question; readonly callId: string; readonly kind: AskKind },
  deps: GuardDeps,
): Promise<Exclude<Asked, { state: "open" }>> {
  const { runId, sessionKey, agentId, message, ephemeral } = turn.row;
  const about = {
    ...question,
    kind,
    runId,
    callId,
    sessionKey,
    agentId,
    address: message.address,
    senderId: message.sender.id,
    receivedAtMs: message.receivedAtMs,
  };
  for (;;) {
    const asked = await deps.approvals.ask(about);
    if (asked.state !== "open") return asked;
    emitOf(turn, deps, {
      type: "run.notice",
      kind: "approval",
      text: `This waits for a person: ${question.shown}`,
      approvalId: asked.id,
    });
    if (!ephemeral) throw new WaitsForPerson(asked.id, asked.untilMs);
    await answered(asked.id, { untilMs: asked.untilMs, signal: turn.signal }, deps);
  }
}

export function answered(
  id: string,
  { untilMs, signal }: { readonly untilMs: number; readonly signal: AbortSignal },
  { bus, clock }: Pick<AgentDeps, "bus" | "clock">,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = bus.on("approval.resolved", (event) => {
    if (event.id === id) resolve();
  });
  const timer = clock.after(Math.max(0, untilMs - clock.nowMs()), resolve);
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return promise.finally(() => {
    stop();
    timer.cancel();
    signal.removeEventListener("abort", onAbort);
  });
}

/** For the model: it can go on, and must not try the same by another way. */
function refusalOf({ why }: Extract<Asked, { state: "denied" }>): AppError {
  const said = {
    denied: "A person refused this.",
    expired: "Nobody answered in time, so this was not done.",
    "nobody-to-ask": "This needs a person's consent, and nobody can be asked from here.",
  }[why];
  return new AppError(
    "SEC_011",
    `${said} Do not try to get the same in another way: say what you could not do and why, or go on without it.`,
  );
}
