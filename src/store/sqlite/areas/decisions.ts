/** The decisions of the port over the writer's commands. */
import type { DecisionRow, DecisionStore } from "../../decision-port.ts";
import type { Access } from "../access.ts";
import type { DecisionRecord } from "../queries/decisions.ts";

export function decisionStore(access: Access): DecisionStore {
  return {
    async add(rows) {
      await access.write("addDecisions", {
        rows: rows.map((row) => ({ ...row, facts: JSON.stringify(row.facts) ?? "null" })),
      });
    },
    async list({ sinceMs, limit, cursor }) {
      // Whoever begins takes what was decided at that very moment too.
      const [fromMs, afterSeq] = cursor === undefined ? [sinceMs, 0] : placeOf(cursor);
      const records = await access.far("decisionPage", { sinceMs: fromMs, afterSeq, limit });
      const last = records.at(-1);
      return {
        rows: records.map(decisionRow),
        nextCursor: last === undefined || records.length < limit ? null : `${last.at_ms}.${last.seq}`,
      };
    },
    prune: (options) => access.write("pruneDecisions", options),
  };
}

function placeOf(cursor: string): [atMs: number, seq: number] {
  const [atMs = 0, seq = 0] = cursor.split(".").map(Number);
  return [Number.isFinite(atMs) ? atMs : 0, Number.isFinite(seq) ? seq : 0];
}

function decisionRow(record: DecisionRecord): DecisionRow {
  return {
    id: record.id,
    atMs: record.at_ms,
    runId: record.run_id,
    callId: record.call_id,
    sessionKey: record.session_key,
    agentId: record.agent_id,
    tool: record.tool,
    effect: record.effect,
    rule: record.rule,
    facts: JSON.parse(record.facts) as unknown,
  };
}
