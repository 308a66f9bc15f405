/** The inbox of the port over the writer's commands. */
import { priorities, type InboundMessage } from "../../../domain/message.ts";
import type { AdmitResult, InboxEntry, InboxRow, InboxStore, Lease, SessionRow } from "../../port.ts";
import type { Access } from "../access.ts";
import type { AdmitArgs } from "../commands/inbox.ts";
import type { Opened } from "../commands/sessions.ts";
import {
  attemptsUnderWay,
  inboxCounts,
  messageByDedupeKey,
  messageById,
  messageByRunId,
  nextDueMs,
  overheard,
  parkedBehind,
  waitingBehind,
} from "../queries/work.ts";
import { ledgerArgs } from "./ledger.ts";
import { inboxRow, sessionRow, storedMs } from "./rows.ts";

export function inboxStore(access: Access): InboxStore {
  return {
    ...inboxReads(access),
    admit: (entry, { atMs, claimFor, openSession }) =>
      admit(access, entry, {
        atMs,
        rejectReason: null,
        owner: claimFor?.owner ?? null,
        leaseMs: claimFor?.leaseMs ?? 0,
        sessionId: openSession?.sessionId ?? null,
        staleBeforeMs: openSession?.staleBeforeMs ?? null,
        keepAddress: openSession?.keepAddress ?? false,
      }),
    reject: (entry, reason, atMs) =>
      admit(access, entry, {
        atMs,
        rejectReason: reason,
        owner: null,
        leaseMs: 0,
        sessionId: null,
        staleBeforeMs: null,
      }),
    async claim(options) {
      const record = await access.write("claim", options);
      if (record === null) return null;
      return {
        row: inboxRow(record),
        lease: leaseOf(record.message_id, record.run_id, options.owner, record.lease_epoch),
      };
    },
    async renew(lease, untilMs) {
      await access.write("renew", { lease, untilMs: storedMs(untilMs) });
    },
    async release(lease, atMs, spent = []) {
      await access.write("release", { lease, atMs, ledger: spent.map(ledgerArgs) });
    },
    async retry(lease, { atMs, untilMs, reason }) {
      await access.write("retry", { lease, atMs, untilMs: storedMs(untilMs), reason });
    },
    async park(lease, { approvalId, atMs, untilMs, spent = [] }) {
      const ledger = spent.map(ledgerArgs);
      await access.write("park", { lease, approvalId, atMs, untilMs: storedMs(untilMs), ledger });
    },
    mergeInto: (lease, { messageIds, reason, step, atMs }) =>
      access.write("mergeInto", {
        lease,
        messageIds,
        reason,
        step: { index: step.index, kind: step.kind, record: JSON.stringify(step.record) ?? "null" },
        atMs,
      }),
    async end(messageId, state, reason, atMs) {
      await access.write("end", { messageId, state, reason, atMs });
    },
    async recover(owner, atMs, crashPauseMs) {
      // The function stays on this side of the thread's boundary; what it says about each number of attempts travels.
      const known = crashPauseMs === undefined ? [] : await access.near((db) => attemptsUnderWay(db, { owner }));
      const pauses = known.map((attempts) => ({ attempts, pauseMs: crashPauseMs?.(attempts) ?? 0 }));
      return access.write("recover", { owner, atMs, pauses });
    },
  };
}

type Read = "parkedBehind" | "waitingBehind" | "overheard" | "get" | "byDedupeKey" | "byRunId" | "nextDueMs" | "counts";

function inboxReads(access: Access): Pick<InboxStore, Read> {
  return {
    async parkedBehind(approvalId) {
      return (await access.near((db) => parkedBehind(db, { approvalId }))).map(inboxRow);
    },
    async waitingBehind(sessionKey, { after, atMs, limit }) {
      const args = { sessionKey, afterMessageId: after.messageId, atMs, limit };
      return (await access.near((db) => waitingBehind(db, args))).map(inboxRow);
    },
    async overheard(sessionKey, options) {
      const messages = await access.near((db) => overheard(db, { sessionKey, ...options }));
      return messages.map((message) => JSON.parse(message) as InboundMessage);
    },
    async get(messageId) {
      const record = await access.near((db) => messageById(db, { messageId }));
      return record === null ? null : inboxRow(record);
    },
    async byDedupeKey(dedupeKey) {
      const record = await access.near((db) => messageByDedupeKey(db, { dedupeKey }));
      return record === null ? null : inboxRow(record);
    },
    async byRunId(runId) {
      const record = await access.near((db) => messageByRunId(db, { runId }));
      return record === null ? null : inboxRow(record);
    },
    nextDueMs: (atMs) => access.near((db) => nextDueMs(db, { atMs })),
    counts: () => access.near(inboxCounts),
  };
}

type Verdict = Pick<AdmitArgs, "atMs" | "rejectReason" | "owner" | "leaseMs" | "sessionId" | "staleBeforeMs"> & {
  readonly keepAddress?: boolean;
};

async function admit(access: Access, given: InboxEntry, verdict: Verdict): Promise<AdmitResult> {
  const entry = { ...given, dueMs: storedMs(given.dueMs), expiresMs: storedMs(given.expiresMs) };
  const { message } = entry;
  const record = await access.write("admit", {
    keepAddress: false,
    ...verdict,
    messageId: message.id,
    runId: entry.runId,
    dedupeKey: entry.dedupeKey,
    sessionKey: entry.sessionKey,
    agentId: entry.agentId,
    sender: JSON.stringify([message.address.channel, message.address.accountId, message.sender.id]),
    priority: priorities.indexOf(entry.priority),
    dueMs: entry.dueMs,
    expiresMs: entry.expiresMs,
    ephemeral: entry.ephemeral,
    // Stored as text and written here, so that the thread boundary copies two strings instead of a tree.
    message: JSON.stringify(message),
    options: JSON.stringify(entry.options),
    address: JSON.stringify(message.address),
  });
  if ("existing" in record) return { outcome: "duplicate", existing: inboxRow(record.existing) };
  const { epoch, session } = record;
  const { owner } = verdict;
  return {
    outcome: "accepted",
    row: rowOf(entry, verdict, epoch),
    lease: epoch === 0 || owner === null ? null : leaseOf(message.id, entry.runId, owner, epoch),
    ...(session === null ? {} : { session: openedSession(session) }),
  };
}

function openedSession({ record, created, renewed }: Opened): { row: SessionRow; created: boolean; renewed: boolean } {
  return { row: sessionRow(record), created, renewed };
}

/** The row that was written just now, without asking for it. */
function rowOf(entry: InboxEntry, verdict: Verdict, epoch: number): InboxRow {
  const claimed = epoch > 0;
  const rejected = verdict.rejectReason !== null;
  return {
    ...entry,
    state: rejected ? "rejected" : claimed ? "running" : "queued",
    reason: verdict.rejectReason,
    attempts: claimed ? 1 : 0,
    admittedMs: verdict.atMs,
    leaseOwner: claimed ? verdict.owner : null,
    leaseEpoch: epoch,
    leaseUntilMs: claimed ? verdict.atMs + verdict.leaseMs : 0,
    endedMs: rejected ? verdict.atMs : null,
  };
}

function leaseOf(messageId: string, runId: string, owner: string, epoch: number): Lease {
  return { messageId, runId, owner, epoch };
}
