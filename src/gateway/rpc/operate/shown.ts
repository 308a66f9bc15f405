/** Rows of the store as an operator is shown them. Nothing is decided here, and nothing is left out but the payload. */
import { messageText } from "../../../domain/message.ts";
import type { ShownDeadLetter } from "../../../protocol/methods/dlq.ts";
import type { ShownMessage, ShownPart } from "../../../protocol/shown-item.ts";
import type { DeadLetter, InboxRow, OutboxRow } from "../../../store/port.ts";

/** As much of a text as tells it from another in a list. */
const excerptChars = 80;

export function shownMessage(row: InboxRow): ShownMessage {
  const { message } = row;
  const { channel, accountId, chatId } = message.address;
  return {
    id: message.id,
    runId: row.runId,
    sessionKey: row.sessionKey,
    agentId: row.agentId,
    channel,
    accountId,
    chatId,
    platformMessageId: message.platformMessageId,
    senderId: message.sender.id,
    senderName: message.sender.displayName ?? message.sender.handle ?? null,
    state: row.state,
    reason: row.reason,
    attempts: row.attempts,
    admittedMs: row.admittedMs,
    endedMs: row.endedMs,
    text: messageText(message),
  };
}

export function shownPart(row: OutboxRow): ShownPart {
  const { channel, accountId, chatId, threadId } = row.address;
  const { error } = row;
  return {
    id: row.id,
    messageId: row.messageId,
    runId: row.runId,
    sessionKey: row.sessionKey,
    channel,
    accountId,
    chatId,
    threadId: threadId ?? null,
    action: row.action.type,
    state: row.state,
    attempts: row.attempts,
    nextAttemptMs: row.nextAttemptMs,
    expiresMs: row.expiresMs,
    chunksSent: row.chunksSent,
    platformMessageIds: [...row.platformMessageIds],
    error: error === null ? null : { code: error.code, message: error.message, details: { ...error.details } },
    createdMs: row.createdMs,
    updatedMs: row.updatedMs,
    text: row.action.type === "react" ? row.action.emoji : row.reply.markdown,
    attachments: row.reply.attachments?.length ?? 0,
  };
}

export function shownLetter(letter: DeadLetter): ShownDeadLetter {
  const { kind, id, atMs, reason } = letter;
  const { channel, accountId, chatId } = letter.kind === "message" ? letter.row.message.address : letter.row.address;
  const text = letter.kind === "message" ? messageText(letter.row.message) : letter.row.reply.markdown;
  const { sessionKey, runId } = letter.row;
  return { kind, id, atMs, reason, channel, accountId, chatId, sessionKey, runId, excerpt: excerptOf(text) };
}

function excerptOf(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= excerptChars ? line : `${line.slice(0, excerptChars).toWellFormed()}…`;
}
