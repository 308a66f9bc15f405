/**
 * What of a question is kept with its row, and how it is shown to people. The environment of a command is not kept: it may
 * hold secrets, and the binding covers it.
 */
import type { GrantProposal } from "../exec/contract.ts";
import type { ApprovalRow } from "../store/budget-port.ts";
import type { ActQuestion, Answer, ApprovalView } from "./contract.ts";

/** Written by the desk alone; whoever reads it may rely on its shape. */
export interface ActSubject extends Omit<ActQuestion, "kind" | "runId" | "sessionKey" | "command"> {
  readonly command: { readonly cwd: string; readonly programs: readonly string[] } | null;
}

export interface ActDecision {
  readonly answer: Answer;
}

/** Of two questions with the same key there is one: the same call of the same run, about the same thing. */
export function subjectKeyOf({ runId, callId, binding }: Pick<ActQuestion, "runId" | "callId" | "binding">): string {
  return JSON.stringify(["act", runId, callId, binding]);
}

export function subjectOf({ kind: _kind, runId: _run, sessionKey: _session, ...question }: ActQuestion): ActSubject {
  const { command } = question;
  return {
    ...question,
    command: command === null ? null : { cwd: command.cwd, programs: command.programs.map(({ path }) => path) },
  };
}

/** False for questions about money, which have a desk of their own. */
export function isAct({ kind }: Pick<ApprovalRow, "kind">): boolean {
  return kind !== "budget";
}

/** As it was asked, but for the command itself: what runs is judged anew, never read from here. */
export function questionOf(row: ApprovalRow): ActQuestion {
  return {
    ...actSubject(row),
    kind: kindOf(row),
    runId: row.runId ?? "",
    sessionKey: row.sessionKey,
    command: null,
  };
}

export function grantOf(row: ApprovalRow): { readonly agentId: string; readonly always: GrantProposal | null } {
  const { agentId, always } = actSubject(row);
  return { agentId, always };
}

export function bindingOf(row: ApprovalRow): string {
  return actSubject(row).binding;
}

export function answerOf({ decision }: Pick<ApprovalRow, "decision">): Answer | null {
  return decision === null ? null : (decision as ActDecision).answer;
}

export function approvalView(row: ApprovalRow): ApprovalView {
  const { tool, shown, command, reasons, taint, always, callId, agentId, address, senderId } = actSubject(row);
  const { id, sessionKey, createdMs, expiresMs, state, decidedMs, decidedBy } = row;
  return {
    id,
    kind: kindOf(row),
    tool,
    shown,
    cwd: command?.cwd ?? null,
    programs: command?.programs ?? [],
    reasons,
    taint,
    always: always?.says ?? null,
    runId: row.runId ?? "",
    callId,
    sessionKey,
    agentId,
    channel: address.channel,
    senderId,
    createdMs,
    expiresMs,
    state,
    decidedMs,
    decidedBy,
    answer: answerOf(row),
  };
}

function actSubject({ subject }: ApprovalRow): ActSubject {
  return subject as ActSubject;
}

function kindOf({ kind }: ApprovalRow): ActQuestion["kind"] {
  return kind === "budget" ? "tool" : kind;
}
