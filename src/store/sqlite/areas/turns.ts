/** Turns and the ledger of the port over the writer's commands. */
import type { LedgerEntry, LedgerStore, TurnStore } from "../../port.ts";
import type { Access } from "../access.ts";
import type { LedgerArgs } from "../commands/ledger.ts";
import { isCheap, ledgerSums, type GroupRecord, type LedgerArgs as SumArgs } from "../queries/ledger.ts";
import { stepsOfRun, turnByRunId } from "../queries/work.ts";
import { ledgerTotals, stepRow, turnRow } from "./rows.ts";
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

export function ledgerStore(access: Access): LedgerStore {
  const sums = (args: SumArgs): Promise<GroupRecord[]> =>
    isCheap(args) ? access.near((db) => ledgerSums(db, args)) : access.far("ledgerSums", args);
  return {
    async totals(filter) {
      const [record] = await sums({ group: null, filter });
      return ledgerTotals(record ?? empty);
    },
    async by(group, filter) {
      const records = await sums({ group, filter });
      return records.map((record) => ({ key: record.key, ...ledgerTotals(record) }));
    },
  };
}

const empty = Object.freeze({
  calls: 0,
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  cost_micros: 0,
  unpriced: 0,
});

function ledgerArgs(entry: LedgerEntry): LedgerArgs {
  const { usage, provider, model } = entry;
  return {
    id: entry.id,
    atMs: entry.atMs,
    runId: entry.runId,
    sessionKey: entry.sessionKey,
    agentId: entry.agentId,
    channel: entry.channel,
    senderId: entry.senderId,
    model: model.startsWith(`${provider}/`) ? model : `${provider}/${model}`,
    input: usage.input,
    output: usage.output,
    cacheRead: usage.cacheRead,
    cacheWrite: usage.cacheWrite,
    costMicros: entry.costMicros,
    estimated: entry.estimated,
    latencyMs: entry.latencyMs,
    origin: entry.origin,
  };
}

/** JSON has no undefined; what was nothing is read back as null. */
function json(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}
