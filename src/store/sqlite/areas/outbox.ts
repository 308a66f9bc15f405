/** The outbox of the port over the writer's commands. */
import type { OutboxDraft, OutboxStore, PartOutcome, PartState } from "../../port.ts";
import type { Access } from "../access.ts";
import type { PartArgs, SettleArgs } from "../commands/outbox.ts";
import { nextAttemptMs, partById, partCounts, partsInState, partsOfRun, readyParts } from "../queries/work.ts";
import { outboxRow, storedMs } from "./rows.ts";

export function outboxStore(access: Access): OutboxStore {
  return {
    async add(draft, { sessionKey, runId, atMs }) {
      const context = { messageId: null, runId, sessionKey, atMs };
      return outboxRow(await access.write("addNotice", { part: partArgs(draft), context }));
    },
    async ready(options) {
      return (await access.near((db) => readyParts(db, options))).map(outboxRow);
    },
    nextAttemptMs: (atMs) => access.near((db) => nextAttemptMs(db, { atMs })),
    async sending(id, atMs) {
      await access.write("startSending", { id, atMs });
    },
    async progress(id, chunksSent, platformMessageIds, atMs) {
      const ids = JSON.stringify(platformMessageIds);
      await access.write("recordProgress", { id, chunksSent, platformMessageIds: ids, atMs });
    },
    async settle(id, outcome, atMs) {
      await access.write("settle", settleArgs(id, outcome, atMs));
    },
    resubmit: (id, { atMs, expiresMs }) => access.write("resubmit", { id, atMs, expiresMs: storedMs(expiresMs) }),
    async inState(state, limit) {
      return (await access.near((db) => partsInState(db, { state, limit }))).map(outboxRow);
    },
    async recover(atMs) {
      return (await access.write("recoverParts", { atMs })).map(outboxRow);
    },
    async get(id) {
      const record = await access.near((db) => partById(db, { id }));
      return record === null ? null : outboxRow(record);
    },
    async ofRun(runId) {
      return (await access.near((db) => partsOfRun(db, { runId }))).map(outboxRow);
    },
    async counts() {
      const counted = await access.near(partCounts);
      return { ...none, ...Object.fromEntries(counted.map(({ state, n }) => [state, n])) };
    },
  };
}

const none: Readonly<Record<PartState, number>> = Object.freeze({
  prepared: 0,
  sending: 0,
  sent: 0,
  unknown: 0,
  failed: 0,
  expired: 0,
});

/** A draft as the writer takes it. */
export function partArgs(draft: OutboxDraft): PartArgs {
  const { channel, accountId, chatId, threadId } = draft.address;
  return {
    id: draft.id,
    channel,
    // JSON, for its quotes: no id of a platform can be chosen so that two chats share a key.
    chat: JSON.stringify([channel, accountId, chatId, threadId ?? null]),
    address: JSON.stringify(draft.address),
    replyToId: draft.replyToId,
    reply: JSON.stringify(draft.reply),
    expiresMs: storedMs(draft.expiresMs),
    state: draft.state,
  };
}

function settleArgs(id: string, outcome: PartOutcome, atMs: number): SettleArgs {
  const settled = { id, atMs, state: outcome.state, platformMessageIds: null, nextAttemptMs: 0, error: null };
  if (outcome.state === "sent") {
    return { ...settled, platformMessageIds: JSON.stringify(outcome.platformMessageIds) };
  }
  const error = JSON.stringify(outcome.error);
  return outcome.state === "prepared"
    ? { ...settled, error, nextAttemptMs: storedMs(outcome.nextAttemptMs) }
    : { ...settled, error };
}
