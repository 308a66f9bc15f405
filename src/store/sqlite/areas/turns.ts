/** The turns of the port over the writer's commands. */
import type { TurnStore } from "../../port.ts";
import type { Access } from "../access.ts";
import { stepsOfRun, turnByRunId } from "../queries/work.ts";
import { ledgerArgs } from "./ledger.ts";
import { stepRow, turnRow } from "./rows.ts";
import { partArgs } from "./outbox.ts";
import { entryArgs } from "./sessions.ts";

export function turnStore(access: Access): TurnStore {
  return {
    async appendStep(lease, step, { ledger, transcript = [] }) {
      await access.write("appendStep", {
        lease,
        index: step.index,
        kind: step.kind,
        record: json(step.record),
        atMs: step.atMs,
        ledger: ledger.map(ledgerArgs),
        transcript: transcript.map(entryArgs),
      });
    },
    async finish(lease, result) {
      await access.write("finish", {
        lease,
        state: result.state,
        text: result.text,
        toolCalls: JSON.stringify(result.toolCalls),
        stopReason: result.stopReason,
        model: result.model,
        input: result.usage.input,
        output: result.usage.output,
        cacheRead: result.usage.cacheRead,
        cacheWrite: result.usage.cacheWrite,
        costMicros: result.costMicros,
        error: result.error === null ? null : JSON.stringify(result.error),
        transcript: result.transcript.map(entryArgs),
        outbox: result.outbox.map(partArgs),
        ledger: result.ledger.map(ledgerArgs),
        inboxState: result.inbox.state,
        resumable: result.resumable ?? false,
        reason: result.inbox.reason,
        atMs: result.atMs,
      });
    },
    async get(runId) {
      const record = await access.near((db) => turnByRunId(db, { runId }));
      return record === null ? null : turnRow(record);
    },
    async steps(runId) {
      const records = await access.near((db) => stepsOfRun(db, { runId }));
      return records.map((record) => stepRow(runId, record));
    },
  };
}

/** JSON has no undefined; what was nothing is read back as null. */
function json(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}
