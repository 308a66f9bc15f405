/**
 * The one door. Runs the steps, finds agent and session, and writes message and verdict in one transaction before
 * anybody is told anything. It starts no turn itself: a free session's lease goes to the dispatcher with the row.
 */
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import type { ErrorCode } from "../domain/error-codes.ts";
import type { EventBus } from "../domain/events.ts";
import type { IdentityLinks } from "../domain/identity.ts";
import { limits } from "../domain/limits.ts";
import { messageText, type InboundMessage } from "../domain/message.ts";
import { resetRuleFor, staleBeforeMs } from "../domain/session-freshness.ts";
import { cleanText, truncateBytes } from "../domain/text.ts";
import type { Clock } from "../platform/clock.ts";
import type { Failpoints } from "../platform/failpoints.ts";
import type { Ids } from "../platform/ids.ts";
import type { DispatchQueue } from "../queue/contract.ts";
import type { InboxEntry, InboxRow, Store } from "../store/port.ts";
import type { Admission, Admit, AdmitRequest, RefusalReason } from "./contract.ts";
import { identityOf } from "./identity-links.ts";
import { routeMessage } from "./route.ts";
import { admitSteps, type AdmitStep, type AdmitWorld } from "./steps.ts";

export interface AdmitDeps {
  readonly store: Store;
  readonly queue: DispatchQueue;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly ids: Ids;
  /** The newest configuration; the message is judged by the one in force when it arrived. */
  readonly config: () => Config;
  readonly world: AdmitWorld;
  /** Who the sender is one person with. */
  readonly links: Pick<IdentityLinks, "personOf">;
  readonly failpoints: Failpoints;
  /** Called with what was accepted, before it gets its turn: `/stop` must not wait behind the turn it is to stop. */
  readonly onAccepted: (entry: InboxEntry) => void;
}

export function createAdmit(deps: AdmitDeps): Admit {
  return async (request) => {
    await deps.failpoints.reach("received");
    const entry = inboxEntry(request, deps);
    // Judged as it will be kept: what is nothing but control characters is empty.
    const cleaned: AdmitRequest = { ...request, message: entry.message };
    const passed: AdmitStep[] = [];
    const undo = (): void => {
      for (const step of passed) step.undo?.(cleaned, deps.world);
    };
    for (const step of admitSteps) {
      const reason = step.check(cleaned, deps.world);
      if (reason === null) passed.push(step);
      else if (!isPassing(reason)) return refuse(entry, reason, deps);
      else {
        undo();
        return notNow(reason);
      }
    }
    return acceptOrUndo(entry, { undo, origin: request.origin }, deps);
  };
}

/** What is brought again, or was known, is no message more: a platform's own repetitions use up nobody's allowance. */
async function acceptOrUndo(
  entry: InboxEntry,
  { undo, origin }: { readonly undo: () => void; readonly origin: AdmitRequest["origin"] },
  deps: AdmitDeps,
): Promise<Admission> {
  try {
    const admission = await accept(entry, origin, deps);
    if (admission.outcome === "duplicate") undo();
    return admission;
  } catch (error) {
    undo();
    throw error;
  }
}

/** What another turn writes is no word from a chat: where the session answers stays what it was. */
function keepsAddress({ via }: AdmitRequest["origin"]): { keepAddress?: true } {
  return via === "turn" ? { keepAddress: true } : {};
}

async function accept(entry: InboxEntry, origin: AdmitRequest["origin"], deps: AdmitDeps): Promise<Admission> {
  const atMs = deps.clock.nowMs();
  const claimFor = deps.queue.offer();
  let admitted;
  try {
    admitted = await deps.store.inbox.admit(entry, {
      atMs,
      ...(claimFor === null ? {} : { claimFor }),
      ...(entry.ephemeral ? {} : { openSession: { ...openingOf(entry, deps), ...keepsAddress(origin) } }),
    });
  } catch (error) {
    if (claimFor !== null) deps.queue.decline();
    throw error;
  }
  await deps.failpoints.reach("inbox-committed");
  if (admitted.outcome === "duplicate") {
    if (claimFor !== null) deps.queue.decline();
    return duplicate(admitted.existing);
  }
  const { message, sessionKey, agentId, runId } = entry;
  deps.bus.emit({ type: "message.received", messageId: message.id, address: message.address, atMs });
  if (admitted.session?.created === true) {
    deps.bus.emit({ type: "session.created", sessionKey, sessionId: admitted.session.row.sessionId, atMs });
  }
  if (admitted.session?.renewed === true) {
    deps.bus.emit({ type: "session.changed", sessionKey, change: "reset", atMs });
  }
  deps.onAccepted(entry);
  if (admitted.lease !== null) deps.queue.take(admitted.row, admitted.lease);
  else {
    if (claimFor !== null) deps.queue.decline();
    deps.queue.wake(admitted.row);
  }
  return { outcome: "accepted", messageId: message.id, runId, sessionKey, agentId };
}

/** The session is opened with the message, and begun anew where it was silent for as long as its kind of chat allows. */
function openingOf({ message }: InboxEntry, deps: AdmitDeps): { sessionId: string; staleBeforeMs: number | null } {
  const { session, agents } = deps.config();
  const rule = resetRuleFor(session, message.address);
  return {
    sessionId: deps.ids.uuid(),
    staleBeforeMs: staleBeforeMs(rule, deps.clock.nowMs(), agents.defaults.userTimezone),
  };
}

/**
 * A reason that passes by itself is no verdict about the message: nothing is written, so that the same message is new
 * when its platform or its sender brings it again.
 */
function isPassing(reason: RefusalReason): boolean {
  return reason === "stopping" || reason === "inbox-full";
}

function notNow(reason: RefusalReason): Admission {
  return { outcome: "refused", reason, error: refusalError(reason) };
}

/** The verdict is written as the acceptance would be; what a refused sender wrote is not kept. */
async function refuse(entry: InboxEntry, reason: RefusalReason, deps: AdmitDeps): Promise<Admission> {
  const atMs = deps.clock.nowMs();
  const content = reason === "not-mentioned" ? overheard(entry.message, deps.config()) : [];
  const stripped: InboundMessage = { ...entry.message, content, raw: null };
  const written = await deps.store.inbox.reject({ ...entry, message: stripped, options: {} }, reason, atMs);
  if (written.outcome === "duplicate") return duplicate(written.existing);
  const { id, address } = entry.message;
  deps.bus.emit({ type: "message.refused", messageId: id, address, reason, atMs });
  return { outcome: "refused", reason, error: refusalError(reason) };
}

/**
 * What a permitted sender said in a group to others: its words, so that whoever addresses the assistant next is understood.
 * Nothing where the configuration shows a model nothing of it.
 */
function overheard(message: InboundMessage, { messages }: Config): InboundMessage["content"] {
  if (message.kind !== "message" || messages.groupChat.historyLimit === 0) return [];
  const text = truncateBytes(messageText(message), limits.overheardTextBytes);
  return text.trim() === "" ? [] : [{ type: "text", text }];
}

function duplicate(existing: InboxRow): Admission {
  return {
    outcome: "duplicate",
    messageId: existing.message.id,
    runId: existing.runId,
    sessionKey: existing.sessionKey,
    agentId: existing.agentId,
    ended: existing.endedMs !== null,
  };
}

function inboxEntry(request: AdmitRequest, deps: AdmitDeps): InboxEntry {
  const message = cleanMessage(request.message);
  // Callers of the gateway name their session themselves; of a platform's senders the ids are the platform's word.
  const person = request.origin.via === "channel" ? deps.links.personOf(identityOf(message)) : null;
  const route = routeMessage(message, deps.config(), person);
  return {
    message,
    dedupeKey: dedupeKeyOf(message),
    sessionKey: request.sessionKey ?? route.sessionKey,
    agentId: request.agentId ?? route.agentId,
    runId: request.runId ?? deps.ids.uuid(),
    priority: request.priority ?? route.priority,
    dueMs: 0,
    expiresMs: message.receivedAtMs + limits.inboundTtlMs,
    options: request.options ?? {},
    ephemeral: request.ephemeral ?? false,
  };
}

/** What makes two deliveries of one platform event the same event. */
export function dedupeKeyOf({
  address,
  platformMessageId,
}: Pick<InboundMessage, "address" | "platformMessageId">): string {
  const { channel, accountId, chatId } = address;
  return JSON.stringify([channel, accountId, chatId, platformMessageId]);
}

/**
 * Control characters never reach the store; emoji, right-to-left marks and line breaks do. Ids stay as they are, since
 * policy compares them, and so does the platform's payload.
 */
function cleanMessage(message: InboundMessage): InboundMessage {
  const { handle, displayName } = message.sender;
  return {
    ...message,
    sender: {
      ...message.sender,
      ...(handle === undefined ? {} : { handle: cleanText(handle) }),
      ...(displayName === undefined ? {} : { displayName: cleanText(displayName) }),
    },
    content: message.content.map(cleanStrings),
  };
}

/** The same value with every text in it cleaned: captions, titles, names of files and contacts too. */
function cleanStrings<T>(value: T): T;
function cleanStrings(value: unknown): unknown {
  if (typeof value === "string") return cleanText(value);
  if (Array.isArray(value)) return value.map(cleanStrings);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cleanStrings(inner)]));
}

const refusals: Readonly<Record<RefusalReason, readonly [ErrorCode, string]>> = {
  "sender-not-allowed": ["SEC_001", "This sender may not write to the assistant here."],
  "chat-not-allowed": ["SEC_001", "The assistant does not listen in this chat."],
  "direct-messages-disabled": ["SEC_001", "Direct messages are switched off for this account."],
  "groups-disabled": ["SEC_001", "Groups are switched off for this account."],
  "not-mentioned": ["SEC_001", "The message does not address the assistant."],
  "pairing-required": ["SEC_001", "This sender has to be approved first."],
  "rate-limited": ["CONN_003", "This sender writes faster than the limit allows."],
  "too-large": ["MSG_003", "The message is larger than the limit."],
  empty: ["RPC_003", "The message has no content."],
  "not-a-request": ["RPC_003", "An event of this kind asks for no answer."],
  "own-message": ["SEC_001", "The assistant does not answer itself."],
  "inbox-full": ["CONN_003", "Too many messages are waiting; try again in a moment."],
  stopping: ["SYS_007", "The gateway is stopping."],
};

function refusalError(reason: RefusalReason): AppError {
  const [code, message] = refusals[reason];
  return new AppError(code, message, { details: { reason } });
}
