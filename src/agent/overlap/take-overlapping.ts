/**
 * Between two steps of a turn: what was said meanwhile in its session is taken in, or the turn gives way to it. What is
 * taken ends in the very commit that makes it a step of this turn, so that a crash neither loses nor repeats it.
 */
import { limits } from "../../domain/limits.ts";
import type { InboxRow } from "../../store/port.ts";
import type { AgentDeps, Turn } from "../turn.ts";
import { mergeReason, type MergeReason } from "./merge-reason.ts";
import { queueModeOf, type QueueMode } from "./queue-mode.ts";
import { saidInShort, saidTogether, type SaidRecord } from "./said.ts";
import { sortWaiting, type Sorted } from "./sort-waiting.ts";

/**
 * Asked before each model call, when no result of a tool is outstanding. `nextIndex`: of the first row that may be
 * written. Each record that comes back is a `said` row by now and has to be taken in (`takeIn`), in order. Throws the
 * signal's reason where the turn gives way.
 */
export async function takeOverlapping(turn: Turn, nextIndex: number, deps: AgentDeps): Promise<readonly SaidRecord[]> {
  const { row, config, settings } = turn;
  if (row.ephemeral) return [];
  const mode = queueModeOf(settings.queueMode, config, row.message.address.channel);
  const begun = turn.conversation.some(({ role }) => role === "assistant");
  if (mode === "collect" && !begun) await restOfSender(turn, deps);
  const { queue } = config.messages;
  const sorted = sortWaiting({ row, behind: await behindOf(turn, deps), mode, begun, queue });
  const records = await merge(turn, { ...sorted, mode }, nextIndex, deps);
  if (sorted.givesWay) {
    deps.registry.supersede(row.runId);
    turn.signal.throwIfAborted();
  }
  return records;
}

function behindOf({ row, lease }: Turn, { store, clock }: AgentDeps): Promise<readonly InboxRow[]> {
  return store.inbox.waitingBehind(row.sessionKey, {
    after: lease,
    atMs: clock.nowMs(),
    limit: limits.overlapMessages,
  });
}

async function merge(
  turn: Turn,
  { over, taken, mode }: Sorted & { readonly mode: QueueMode },
  nextIndex: number,
  deps: AgentDeps,
): Promise<readonly SaidRecord[]> {
  const records: SaidRecord[] = [];
  const put = async (rows: readonly InboxRow[], reason: MergeReason, record: SaidRecord): Promise<void> => {
    if (await mergeRows(turn, { rows, reason, record, index: nextIndex + records.length }, deps)) records.push(record);
  };
  const { queue } = turn.config.messages;
  const short = over.length === 0 ? null : saidInShort(over, queue);
  // Older words stand in front of newer ones.
  if (short !== null && queue.drop !== "new") await put(over, "over-cap", short);
  if (taken.length > 0) await put(taken, mode === "steer" ? "steered" : "collected", saidTogether(taken));
  if (short !== null && queue.drop === "new") await put(over, "over-cap", short);
  return records;
}

interface Merge {
  readonly rows: readonly InboxRow[];
  readonly reason: MergeReason;
  readonly record: SaidRecord;
  readonly index: number;
}

/** False where none of them waits any more: then no row was written. */
async function mergeRows(turn: Turn, { rows, reason, record, index }: Merge, deps: AgentDeps): Promise<boolean> {
  const { runId } = turn.row;
  const atMs = deps.clock.nowMs();
  const taken = await deps.store.inbox.mergeInto(turn.lease, {
    messageIds: rows.map(({ message }) => message.id),
    reason: mergeReason(reason, runId),
    step: { runId, index, kind: "said", record, atMs },
    atMs,
  });
  for (const row of rows) {
    if (taken.includes(row.message.id)) deps.registry.taken(row);
  }
  return taken.length > 0;
}

/**
 * Somebody who wrote while another turn ran may still be writing: what follows soon is answered with it. A message that
 * found its session free is answered at once.
 */
async function restOfSender(turn: Turn, deps: AgentDeps): Promise<void> {
  const { row, config, signal, lease } = turn;
  const begun = await deps.store.turns.get(lease.runId);
  const mostMs = deps.clock.nowMs() + limits.collectRestMs;
  let newestMs = begun !== null && begun.startedMs > row.admittedMs ? row.admittedMs : null;
  for (;;) {
    newestMs = (await behindOf(turn, deps)).at(-1)?.admittedMs ?? newestMs;
    if (newestMs === null) return;
    const nowMs = deps.clock.nowMs();
    const restMs = Math.min(newestMs + config.messages.queue.debounceMs, mostMs) - nowMs;
    if (restMs <= 0) return;
    await deps.clock.sleep(restMs, signal);
  }
}
