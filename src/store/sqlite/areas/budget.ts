/** Budgets and approvals of the port over the writer's commands. */
import type { ApprovalRow, ApprovalStore, BudgetStore, LostHold } from "../../budget-port.ts";
import type { Access } from "../access.ts";
import type { ApprovalRecord } from "../commands/money/approvals.ts";
import type { HoldRecord } from "../commands/money/hold.ts";
import { pauses } from "../commands/money/pause.ts";
import { approvalById, approvalsIn, latestApproval, lostHolds } from "../queries/budget.ts";

export function budgetStore(access: Access): BudgetStore {
  return {
    reserve: (request) => access.write("reserve", { ...request, model: modelName(request.provider, request.model) }),
    release: (id) => access.write("releaseHold", { id }),
    loseOrphans: (beforeMs) => access.write("loseOrphans", { beforeMs }),
    async lost(limit) {
      return (await access.near((db) => lostHolds(db, { limit }))).map(lostHold);
    },
    settleLost: (id, costMicros, atMs) => access.write("settleLost", { id, costMicros, atMs }),
    balances: (options) => access.far("balances", options),
    pause: (pause, cause) => access.write("pauseSpending", { ...pause, cause: cause ?? null }),
    resume: (which, replay) => access.write("resumeSpending", { ...which, ...replay }),
    pauses: () => access.near(pauses),
    mayTell: (what, { sessionKey, runId }, options) => access.write("mayTell", { what, sessionKey, runId, ...options }),
  };
}

export function approvalStore(access: Access): ApprovalStore {
  return {
    async request(draft) {
      const asked = await access.write("askApproval", {
        id: draft.id,
        kind: draft.kind,
        subject: json(draft.subject),
        subject_key: draft.subjectKey,
        run_id: draft.runId,
        session_key: draft.sessionKey,
        created_ms: draft.createdMs,
        expires_ms: draft.expiresMs,
      });
      return { row: approvalRow(asked.record), created: asked.created };
    },
    async decide(id, decision) {
      const { allow, by, grant = null, replay } = decision;
      const decided = await access.write("decideApproval", {
        id,
        allow,
        by,
        grant,
        replay,
        decision: json(decision.decision),
      });
      switch (decided.outcome) {
        case "unknown":
          return decided;
        case "late":
          return { outcome: "late", row: approvalRow(decided.record) };
        case "decided":
          return { outcome: "decided", row: approvalRow(decided.record), replayed: decided.replayed };
      }
    },
    async get(id) {
      const record = await access.near((db) => approvalById(db, { id }));
      return record === null ? null : approvalRow(record);
    },
    async latest(subjectKey) {
      const record = await access.near((db) => latestApproval(db, { subjectKey }));
      return record === null ? null : approvalRow(record);
    },
    async list({ state, limit, atMs }) {
      const records = await access.near((db) => approvalsIn(db, { state: state ?? null, limit, atMs }));
      return records.map(approvalRow);
    },
  };
}

function modelName(provider: string, model: string): string {
  return model.startsWith(`${provider}/`) ? model : `${provider}/${model}`;
}

function lostHold(record: HoldRecord): LostHold {
  return {
    id: record.id,
    atMs: record.at_ms,
    runId: record.run_id,
    sessionKey: record.session_key,
    agentId: record.agent_id,
    channel: record.channel,
    senderId: record.sender_id,
    jobId: record.job_id,
    chat: record.chat,
    model: record.model,
    reservedMicros: record.reserved_micros,
  };
}

function approvalRow(record: ApprovalRecord): ApprovalRow {
  return {
    id: record.id,
    kind: record.kind,
    subject: JSON.parse(record.subject) as unknown,
    subjectKey: record.subject_key,
    runId: record.run_id,
    sessionKey: record.session_key,
    createdMs: record.created_ms,
    expiresMs: record.expires_ms,
    state: record.state,
    decidedMs: record.decided_ms,
    decidedBy: record.decided_by,
    decision: record.decision === null ? null : (JSON.parse(record.decision) as unknown),
  };
}

/** JSON has no undefined; what was nothing is read back as null. */
function json(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}
