/** Messages, results and parts for the conformance rules: complete, small, and numbered so that none is like another. */
import type { AppErrorJson } from "../../domain/app-error.ts";
import { noMentions, type Address, type InboundMessage } from "../../domain/message.ts";
import type { InboxEntry, Lease, OutboxDraft, Store, TurnResult } from "../port.ts";
import type { TranscriptDraft } from "../session-port.ts";
import type { LedgerEntry } from "../ledger-port.ts";

/** Some day in the future of nobody: rules give times relative to it. */
export const t0 = Date.UTC(2026, 10, 20, 12, 0, 0);

export const usage = Object.freeze({ input: 100, output: 20, cacheRead: 5, cacheWrite: 1 });

export const failure: AppErrorJson = Object.freeze({
  code: "CONN_001",
  message: "no route",
  retry: "later",
  details: { host: "irc.example" },
});

/** Gives out names that no other rule of the run uses. */
export interface Names {
  next(prefix: string): string;
  hex8(): string;
}

export function createNames(scope: string): Names {
  let count = 0;
  return {
    next(prefix) {
      count += 1;
      return `${scope}-${prefix}-${count}`;
    },
    hex8() {
      count += 1;
      return count.toString(16).padStart(8, "0");
    },
  };
}

export function addressOf(chatId: string): Address {
  return { channel: "irc", accountId: "default", chatId, chatKind: "dm" };
}

export function messageOf(id: string, chatId: string): InboundMessage {
  return {
    id,
    kind: "message",
    address: addressOf(chatId),
    sender: { id: "alice", displayName: "Alice ✨" },
    platformMessageId: `p-${id}`,
    content: [{ type: "text", text: `say "${id}" — with ünïcödé and \u0000 in it` }],
    mentions: noMentions,
    sentAtMs: t0,
    receivedAtMs: t0,
    raw: { nested: [1, { two: null }] },
  };
}

export function entryOf(names: Names, sessionKey: string, changes: Partial<InboxEntry> = {}): InboxEntry {
  const id = names.next("m");
  return {
    message: messageOf(id, sessionKey),
    dedupeKey: `irc|default|${sessionKey}|${id}`,
    sessionKey,
    agentId: "main",
    runId: `run-${id}`,
    priority: "normal",
    dueMs: 0,
    expiresMs: t0 + 86_400_000,
    options: { model: "demo/one", nested: { deep: [true] } },
    ephemeral: false,
    ...changes,
  };
}

export function transcriptDraft(names: Names, text: string, atMs: number = t0): TranscriptDraft {
  return {
    id: names.hex8(),
    type: "message",
    atMs,
    body: { message: { role: "assistant", content: [{ type: "text", text }] } },
  };
}

export function draftOf(names: Names, chatId: string, changes: Partial<OutboxDraft> = {}): OutboxDraft {
  return {
    id: names.next("part"),
    address: addressOf(chatId),
    replyToId: null,
    reply: { markdown: "**hello**" },
    expiresMs: t0 + 3_600_000,
    state: "prepared",
    ...changes,
  };
}

export function ledgerOf(names: Names, sessionKey: string, changes: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    id: names.next("call"),
    atMs: t0,
    runId: "run",
    sessionKey,
    agentId: "main",
    channel: "irc",
    senderId: "alice",
    provider: "openai",
    model: "gpt-x",
    usage,
    costMicros: 250,
    estimated: false,
    latencyMs: 12,
    origin: "chat",
    ...changes,
  };
}

export function resultOf(changes: Partial<TurnResult> = {}): TurnResult {
  return {
    state: "final",
    text: "the answer",
    toolCalls: [],
    stopReason: "stop",
    model: "openai/gpt-x",
    usage,
    costMicros: 250,
    error: null,
    transcript: [],
    outbox: [],
    ledger: [],
    inbox: { state: "replied", reason: "answered" },
    atMs: t0 + 1_000,
    ...changes,
  };
}

/** Admits and claims in one commit; fails the test where the lease is not given. */
export async function startTurn(store: Store, entry: InboxEntry, owner = "worker"): Promise<Lease> {
  const admitted = await store.inbox.admit(entry, { atMs: t0, claimFor: { owner, leaseMs: 60_000 } });
  if (admitted.outcome !== "accepted" || admitted.lease === null) throw new Error("the turn did not start");
  return admitted.lease;
}

/** Ends whatever waits or runs, so that the next rule's `claim` sees its own messages alone. */
export async function drain(store: Store): Promise<void> {
  await store.inbox.recover(createNames("drain").next("owner"), t0);
  for (;;) {
    const far = t0 + 10 * 365 * 86_400_000;
    const claimed = await store.inbox.claim({ owner: "drain", leaseMs: 1_000_000_000, atMs: far, agingMs: 0 });
    if (claimed === null) return;
    await store.inbox.end(claimed.row.message.id, "dead", "drained", far);
  }
}
