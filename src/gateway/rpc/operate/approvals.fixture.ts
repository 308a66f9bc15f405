/** Questions about acts on a stage, as an agent's turn would ask them. For tests. */
import type { ActQuestion } from "../../../approvals/contract.ts";
import type { Stage } from "../../fake-deps.fixture.ts";

export function actQuestion(changes: Partial<ActQuestion> = {}): ActQuestion {
  return {
    kind: "exec",
    runId: "run-1",
    callId: "call-1",
    sessionKey: "agent:main:main",
    agentId: "main",
    address: { channel: "webchat", accountId: "default", chatId: "agent:main:main", chatKind: "dm" },
    senderId: "device:page",
    receivedAtMs: Date.now(),
    tool: "exec",
    shown: "git status",
    reasons: ["git is on no list"],
    taint: [{ class: "foreign", source: "web page https://example.org/a" }],
    binding: "b1",
    command: null,
    always: { pattern: "/usr/bin/git", argv: ["status"], says: "git status, in any folder" },
    fallback: "deny",
    ...changes,
  };
}

/** Returns the id; somebody who may answer has to be connected. */
export async function askAct({ deps }: Stage, changes: Partial<ActQuestion> = {}): Promise<string> {
  const asked = await deps.approvals.ask(actQuestion(changes));
  if (asked.state !== "open") throw new Error(`nobody was asked: ${JSON.stringify(asked)}`);
  return asked.id;
}

/** What the methods that name a question can be called with, and the questions. */
export async function approvalParams(stage: Stage): Promise<Record<string, object>> {
  const [one, two] = [await askAct(stage, { callId: "a" }), await askAct(stage, { callId: "b" })];
  return {
    "exec.approval.get": { id: one },
    "exec.approval.request": { command: "ls", twoPhase: true },
    "exec.approval.waitDecision": { id: one, timeoutMs: 1 },
    "exec.approval.resolve": { id: two, decision: "deny" },
  };
}
