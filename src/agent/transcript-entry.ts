/**
 * From a conversation to the lines of a transcript; `context/talk.ts` reads them back. The line's shape is the one users
 * of the described system have on disk, so that exports of both can be read by the same tools.
 */
import { createHash } from "node:crypto";
import type { AssistantContent, ModelInfo, ModelMessage, ToolResult } from "../domain/conversation.ts";
import type { StopReason } from "../domain/events.ts";
import type { Attachment, InboundMessage } from "../domain/message.ts";
import { costMicros, totalTokens, type TokenUsage } from "../domain/money.ts";
import type { Taint } from "../domain/taint.ts";
import type { TranscriptDraft } from "../store/port.ts";
import { taintOfMessage } from "./acting/message-taint.ts";
import { taintKey } from "./acting/turn-taint.ts";
import type { Overheard } from "./overheard.ts";
import { saidPieces } from "./said-pieces.ts";

export interface LineMessage {
  readonly role: "user" | "assistant" | "toolResult";
  readonly content: readonly LineContent[];
  readonly toolCallId?: string;
  readonly toolName?: string;
  readonly isError?: boolean;
}

/** Where a person's line came from. */
export interface LineOrigin {
  readonly channel: string;
  readonly accountId: string;
  readonly chatId: string;
  readonly chatKind: string;
  readonly senderId: string;
  readonly senderName: string | null;
}

export type LineContent =
  /** `quoted`: whose words they are, where they are not the speaker's; the model is shown them wrapped. */
  | { readonly type: "text"; readonly text: string; readonly quoted?: string }
  | { readonly type: "thinking"; readonly thinking: string; readonly signature?: string }
  | { readonly type: "toolCall"; readonly id: string; readonly name: string; readonly arguments: unknown }
  | { readonly type: "file"; readonly attachment: Attachment };

/** What a person said: their words, what they handed on of others, then the files. */
function userContent(message: InboundMessage): readonly LineContent[] {
  const files = message.content.flatMap((content) => content.attachments ?? []);
  return [
    ...saidPieces(message).map(({ text, quoted }): LineContent =>
      quoted === null ? { type: "text", text } : { type: "text", text, quoted },
    ),
    ...files.map((attachment) => ({ type: "file", attachment }) as const),
  ];
}

/**
 * What a message adds to the transcript before it is answered: the person's words, or, where the caller said more than
 * words, its own content and the results of its tools. What a caller claims the assistant said is not taken over.
 */
export function personsEntries(
  id: string,
  message: InboundMessage,
  input: readonly ModelMessage[] | undefined,
  overheard: readonly Overheard[] = [],
): readonly TranscriptDraft[] {
  const atMs = message.receivedAtMs;
  if (input === undefined) return [userEntry(id, message, userContent(message), overheard)];
  const nextId = idsFrom(id);
  return input.flatMap((said) => {
    if (said.role === "user") return [userEntry(nextId(), message, said.content)];
    return said.role === "tool" ? said.results.map((result) => toolEntry(nextId(), result, atMs, toldByCaller)) : [];
  });
}

/** What a caller says that tools of its own have found: nobody here has seen it. */
export const toldByCaller: Taint = Object.freeze({ class: "foreign", source: "results of tools that the caller told" });

function userEntry(
  id: string,
  message: InboundMessage,
  content: readonly LineContent[],
  overheard: readonly Overheard[] = [],
): TranscriptDraft {
  const taint = taintOfMessage(message, overheard);
  const { channel, accountId, chatId, chatKind } = message.address;
  const atMs = message.receivedAtMs;
  return {
    id,
    type: "message",
    atMs,
    body: {
      message: { role: "user", content, timestamp: atMs },
      // Who said it, for groups and for search; the id and not the name is what counts.
      origin: {
        channel,
        accountId,
        chatId,
        chatKind,
        senderId: message.sender.id,
        senderName: message.sender.displayName ?? message.sender.handle ?? null,
      } satisfies LineOrigin,
      // Beside the message and not in it: these are other people's words.
      ...(overheard.length === 0 ? {} : { overheard }),
      ...(taint.length === 0 ? {} : { [taintKey]: taint }),
    },
  };
}

/** The id itself, then the ones behind it: the same at every attempt. */
function idsFrom(id: string): () => string {
  let next = Number.parseInt(id, 16);
  return () => {
    const current = next;
    next = (next + 1) % 2 ** 32;
    return current.toString(16).padStart(8, "0");
  };
}

export interface AssistantEntry {
  readonly id: string;
  /** The turn that says it. */
  readonly runId: string;
  readonly content: readonly AssistantContent[];
  readonly model: ModelInfo;
  readonly api: string;
  readonly usage: TokenUsage;
  readonly stopReason: StopReason;
  readonly atMs: number;
  readonly errorMessage?: string;
}

export function assistantEntry(entry: AssistantEntry): TranscriptDraft {
  const { model, usage, atMs } = entry;
  return {
    id: entry.id,
    type: "message",
    atMs,
    body: {
      runId: entry.runId,
      message: {
        role: "assistant",
        content: entry.content.map(lineContent),
        api: entry.api,
        provider: model.provider,
        model: model.id,
        usage: { ...usage, totalTokens: totalTokens(usage), cost: costLine(usage, model) },
        stopReason: entry.stopReason,
        ...(entry.errorMessage === undefined ? {} : { errorMessage: entry.errorMessage }),
        timestamp: atMs,
      },
    },
  };
}

/** What was said in a chat outside of a turn that answers it. `partId`: the part of the outbox that says it. */
export function spokenEntry(partId: string, text: string, atMs: number): TranscriptDraft {
  return {
    id: createHash("sha256").update(partId).digest("hex").slice(0, 8),
    type: "message",
    atMs,
    body: {
      // What became of the part is told by this name, where no run has said it.
      runId: partId,
      message: { role: "assistant", content: [{ type: "text", text }], stopReason: "injected", timestamp: atMs },
    },
  };
}

/** `taint`: where the result's words came from, kept beside the line for the turns that read it later. */
export function toolEntry(id: string, result: ToolResult, atMs: number, taint: Taint | null = null): TranscriptDraft {
  return {
    id,
    type: "message",
    atMs,
    body: {
      message: {
        role: "toolResult",
        toolCallId: result.callId,
        toolName: result.tool,
        content: [{ type: "text", text: result.output }],
        isError: result.isError,
        timestamp: atMs,
      },
      ...(taint === null ? {} : { taint: [taint] }),
    },
  };
}

function lineContent(part: AssistantContent): LineContent {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text };
    case "thinking":
      return {
        type: "thinking",
        thinking: part.text,
        ...(part.signature === undefined ? {} : { signature: part.signature }),
      };
    case "tool-call":
      return { type: "toolCall", id: part.callId, name: part.tool, arguments: part.input };
  }
}

/** Cost in USD by kind of token, as the described system writes it; null where no price is known. */
function costLine(usage: TokenUsage, model: ModelInfo): Record<string, number> | null {
  const { price } = model;
  const total = costMicros(usage, price);
  if (price === undefined || total === undefined) return null;
  const usd = (tokens: number, perMillion: number): number => (tokens * perMillion) / 1_000_000;
  return {
    input: usd(usage.input, price.input),
    output: usd(usage.output, price.output),
    cacheRead: usd(usage.cacheRead, price.cacheRead),
    cacheWrite: usd(usage.cacheWrite, price.cacheWrite),
    total: total / 1_000_000,
  };
}
