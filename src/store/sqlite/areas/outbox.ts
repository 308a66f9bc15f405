/** The outbox of the port over the writer's commands. */
import type { OutboxDraft, OutboxStore, PartOutcome, PartState } from "../../port.ts";
import type { Access } from "../access.ts";
import type { PartArgs, SettleArgs } from "../commands/outbox.ts";
import {
  nextAttemptMs,
  partById,
  partByPlatformId,
  partCounts,
  partsInState,
  partsOfRun,
  unsaidRuns,
  readyParts,
} from "../queries/work.ts";
import { outboxRow, storedMs } from "./rows.ts";
import { entryArgs } from "./sessions.ts";

export function outboxStore(access: Access): OutboxStore {
  return {
    async add(draft, { sessionKey, runId, atMs, lease, said, messageId = lease?.messageId ?? null }) {
      const context = { messageId, runId, sessionKey, atMs };
      const heard = said === undefined ? null : { ...said, entry: entryArgs(said.entry) };
      return outboxRow(
        await access.write("addNotice", { part: partArgs(draft), context, lease: lease ?? null, said: heard }),
      );
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
    decide: (id, decision, atMs) =>
      access.write("decide", {
        id,
        expiresMs: decision.allow ? storedMs(decision.expiresMs) : null,
        error: decision.allow ? null : JSON.stringify(decision.error),
        atMs,
      }),
    async postpone(id, untilMs) {
      await access.write("postpone", { id, untilMs: storedMs(untilMs) });
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
    async byPlatformId({ channel, accountId, chatId }, platformMessageId) {
      const record = await access.near((db) => partByPlatformId(db, { channel, accountId, chatId, platformMessageId }));
      return record === null ? null : outboxRow(record);
    },
    async ofRun(runId) {
      return (await access.near((db) => partsOfRun(db, { runId }))).map(outboxRow);
    },
    async unsaidRuns(sessionKey) {
      return (await access.near((db) => unsaidRuns(db, { sessionKey }))).map((record) => record.run_id);
    },
    async counts() {
      const counted = await access.near(partCounts);
      return { ...none, ...Object.fromEntries(counted.map(({ state, n }) => [state, n])) };
    },
  };
}

const none: Readonly<Record<PartState, number>> = Object.freeze({
  held: 0,
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
  const { action = { type: "send" } } = draft;
  return {
    id: draft.id,
    channel,
    account: accountId,
    // JSON, for its quotes: no id of a platform can be chosen so that two chats share a key.
    chat: JSON.stringify([channel, accountId, chatId, threadId ?? null]),
    address: JSON.stringify(draft.address),
    action: action.type === "send" ? null : JSON.stringify(action),
    replyToId: draft.replyToId,
    reply: JSON.stringify(draft.reply),
    expiresMs: storedMs(draft.expiresMs),
    state: draft.state,
    notBeforeMs: storedMs(draft.notBeforeMs ?? 0),
  };
}

function settleArgs(id: string, outcome: PartOutcome, atMs: number): SettleArgs {
  const { state } = outcome;
  const nothing = { platformMessageIds: null, nextAttemptMs: 0, error: null, notice: null, transcript: null };
  const settled = { ...nothing, id, state, atMs };
  switch (outcome.state) {
    case "sent":
      return {
        ...settled,
        platformMessageIds: JSON.stringify(outcome.platformMessageIds),
        transcript: outcome.transcript === undefined ? null : entryArgs(outcome.transcript),
      };
    case "held":
      return settled;
    case "prepared":
      return { ...settled, error: JSON.stringify(outcome.error), nextAttemptMs: storedMs(outcome.nextAttemptMs) };
    case "unknown":
      return { ...settled, error: JSON.stringify(outcome.error) };
    case "failed":
    case "expired":
      return {
        ...settled,
        error: JSON.stringify(outcome.error),
        notice: outcome.notice === undefined ? null : partArgs(outcome.notice),
        transcript: outcome.transcript === undefined ? null : entryArgs(outcome.transcript),
      };
  }
}
