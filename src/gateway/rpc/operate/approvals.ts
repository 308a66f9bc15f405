/**
 * Handlers of approvals. The desk decides who counts and what stands; here a client asks, waits and answers. Of a client's
 * own question nothing is taken but the command, its folder and where it belongs.
 */
import { contentHash } from "../../../platform/content-hash.ts";
import type { ActQuestion, Answer, AnswerOutcome, ApprovalListener, Asked } from "../../../approvals/contract.ts";
import { answerOf, approvalView } from "../../../approvals/subject.ts";
import { AppError } from "../../../domain/app-error.ts";
import { coversScope } from "../../../domain/scopes.ts";
import type { ParamsOf, ResultOf } from "../../../protocol/method.ts";
import {
  approvalGet,
  approvalList,
  approvalRequest,
  approvalResolve,
  approvalWait,
} from "../../../protocol/methods/approvals.ts";
import type { ApprovalRow } from "../../../store/budget-port.ts";
import type { Connections } from "../../ws/connections.ts";
import { defaultAgentId } from "../../default-agent.ts";
import { handle, type BoundMethod, type Caller } from "../handler.ts";
import type { RpcServices } from "../services.ts";

/** How long `waitDecision` waits when nobody says. */
const defaultWaitMs = 30_000;

type Deps = RpcServices["deps"];

export function approvalMethods({ deps }: RpcServices): readonly BoundMethod[] {
  const { approvals } = deps;
  return [
    handle(approvalList, async ({ sessionKey }) => {
      const rows = await approvals.pending();
      return {
        approvals: rows.filter((row) => sessionKey === undefined || row.sessionKey === sessionKey).map(approvalView),
      };
    }),
    handle(approvalGet, async ({ id }) => approvalView(await known(deps, id))),
    handle(approvalRequest, (params, caller) => request(deps, params, caller)),
    handle(approvalWait, async ({ id, timeoutMs }, caller) => {
      const row = await decided(deps, await known(deps, id), { timeoutMs: timeoutMs ?? defaultWaitMs, caller });
      return { id: row.id, state: row.state, decision: decisionOf(row), decidedBy: row.decidedBy };
    }),
    handle(approvalResolve, async ({ id, decision }, { principal }) =>
      resolved(id, await approvals.answer(id, decision, { id: principal.id, via: "gateway" })),
    ),
  ];
}

/** Clients that may answer see every question; nobody sees it while none of them is connected. */
export function clientsListen(connections: Pick<Connections, "all">): ApprovalListener {
  return {
    id: "gateway clients",
    reaches: () => [...connections.all()].some(({ principal }) => coversScope(principal.scopes, "operator.approvals")),
    // Told by the events on the wire.
    asked: () => undefined,
    resolved: () => undefined,
  };
}

/** Throws RPC_008 where there is none of that id. */
async function known({ approvals }: Deps, id: string): Promise<ApprovalRow> {
  const row = await approvals.find(id);
  if (row === null) throw new AppError("RPC_008", "there is no such question");
  return row;
}

function decisionOf(row: ApprovalRow): Answer | null {
  return row.state === "expired" ? "deny" : answerOf(row);
}

async function request(
  deps: Deps,
  params: ParamsOf<typeof approvalRequest>,
  caller: Caller,
): Promise<ResultOf<typeof approvalRequest>> {
  const asked = await deps.approvals.ask(questionOf(deps, params, caller));
  if (asked.state !== "open") return answered(asked);
  const { id, untilMs: expiresAtMs } = asked;
  const accepted = { id, status: "accepted", decision: null, reason: null, expiresAtMs } as const;
  if (params.twoPhase === true) return accepted;
  const timeoutMs = params.timeoutMs ?? Math.max(1, expiresAtMs - deps.clock.nowMs());
  const row = await decided(deps, await known(deps, id), { timeoutMs, caller });
  if (row.state === "open") return accepted;
  return { id, status: "decided", decision: decisionOf(row), reason: row.state, expiresAtMs };
}

function answered(asked: Exclude<Asked, { state: "open" }>): ResultOf<typeof approvalRequest> {
  const decision = asked.state === "allowed" ? "allow-once" : "deny";
  const reason = asked.state === "allowed" ? "allowed" : asked.why;
  return { id: asked.id, status: "decided", decision, reason, expiresAtMs: null };
}

/** Its run is one that no turn can have: no answer to it is ever an answer to an agent's own call. */
function questionOf(
  deps: Deps,
  { id, command, cwd, sessionKey, agentId }: ParamsOf<typeof approvalRequest>,
  { principal }: Caller,
): ActQuestion {
  const shown = cwd === undefined ? command : `cd ${cwd}\n${command}`;
  return {
    kind: "exec",
    runId: `client:${principal.id}`,
    callId: id ?? deps.ids.uuid(),
    sessionKey: sessionKey ?? "none",
    agentId: agentId ?? defaultAgentId(deps),
    address: { channel: "gateway", accountId: "default", chatId: principal.id, chatKind: "dm" },
    senderId: principal.id,
    receivedAtMs: deps.clock.nowMs(),
    tool: "exec",
    shown,
    reasons: ["A program that is connected to the gateway asks for it, and would run it itself."],
    taint: [],
    binding: contentHash([command, cwd ?? null]),
    command: null,
    always: null,
    fallback: "deny",
  };
}

/** The row when it is decided, or as it stands when the time is over or the client is gone. */
async function decided(
  deps: Deps,
  row: ApprovalRow,
  { timeoutMs, caller }: { timeoutMs: number; caller: Caller },
): Promise<ApprovalRow> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = deps.bus.on("approval.resolved", ({ id }) => id === row.id && resolve());
  const timer = deps.clock.after(timeoutMs, resolve);
  caller.signal.addEventListener("abort", () => resolve(), { once: true });
  try {
    // Heard from here on; it may have been answered before.
    const now = await known(deps, row.id);
    if (now.state !== "open") return now;
    await promise;
    return await known(deps, row.id);
  } finally {
    stop();
    timer.cancel();
  }
}

function resolved(id: string, outcome: AnswerOutcome): ResultOf<typeof approvalResolve> {
  switch (outcome.outcome) {
    case "decided":
    case "late": {
      const { row } = outcome;
      const always = outcome.outcome === "decided" ? outcome.always : null;
      const ok = outcome.outcome === "decided";
      return { ok, id: row.id, outcome: outcome.outcome, state: row.state, decidedBy: row.decidedBy, always };
    }
    case "refused":
      throw new AppError("RPC_003", "that can be allowed once, but not for good: decision allow-once", {
        details: { id, why: outcome.why },
      });
    case "unknown":
    case "not-yours":
      throw new AppError("RPC_008", "there is no such question");
  }
}
