/**
 * Between a conversation and the lines of a transcript. The line's shape is the one users of the described system
 * have on disk, so that exports of both can be read by the same tools.
 */
import type { AssistantContent, ModelInfo, ModelMessage, ToolResult, UserContent } from "../domain/conversation.ts";
import type { StopReason } from "../domain/events.ts";
import type { Attachment, InboundMessage } from "../domain/message.ts";
import { messageText } from "../domain/message.ts";
import { costMicros, totalTokens, type TokenUsage } from "../domain/money.ts";
import type { TranscriptDraft, TranscriptEntry } from "../store/port.ts";
import { unreadReplies } from "./unread-reply.ts";
import { quoteOverheard, type Overheard } from "./overheard.ts";
import { speakerLabel } from "./speaker-label.ts";

interface LineMessage {
  readonly role: "user" | "assistant" | "toolResult";
  readonly content: readonly LineContent[];
  readonly toolCallId?: string;
  readonly toolName?: string;
  readonly isError?: boolean;
}

/** Where a person's line came from. */
interface LineOrigin {
  readonly channel: string;
  readonly accountId: string;
  readonly chatId: string;
  readonly chatKind: string;
  readonly senderId: string;
  readonly senderName: string | null;
}

type LineContent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly thinking: string; readonly signature?: string }
  | { readonly type: "toolCall"; readonly id: string; readonly name: string; readonly arguments: unknown }
  | { readonly type: "file"; readonly attachment: Attachment };

/** What the model is shown of a message: its text, then its files. */
function userContent(message: InboundMessage): readonly UserContent[] {
  const text = messageText(message);
  const files = message.content.flatMap((content) => content.attachments ?? []);
  return [
    ...(text === "" ? [] : [{ type: "text", text } as const]),
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
    return said.role === "tool" ? said.results.map((result) => toolEntry(nextId(), result, atMs)) : [];
  });
}

function userEntry(
  id: string,
  message: InboundMessage,
  content: readonly UserContent[],
  overheard: readonly Overheard[] = [],
): TranscriptDraft {
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

export function toolEntry(id: string, result: ToolResult, atMs: number): TranscriptDraft {
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
    },
  };
}

/** A transcript as a conversation. Lines that are no messages, or not readable as one, are left out. */
export function conversationOf(entries: readonly (TranscriptEntry | TranscriptDraft)[]): ModelMessage[] {
  const conversation: ModelMessage[] = [];
  const unread = unreadReplies(entries);
  for (const entry of entries) {
    if (entry.type !== "message") continue;
    const message = entry.body["message"] as LineMessage | undefined;
    if (message === undefined || !Array.isArray(message.content)) continue;
    append(conversation, message, {
      speaker: speakerOf(entry.body["origin"]),
      quote: quoteOf(entry.body["overheard"]),
    });
    const note = unread.get(entry);
    if (note !== undefined) appendNote(conversation, note);
  }
  return conversation;
}

/** What was said and not read is marked where it was said, or the assistant would build on it. */
function appendNote(conversation: ModelMessage[], note: string): void {
  const last = conversation.at(-1);
  if (last?.role !== "assistant") return;
  // In front of what it asked of tools: a provider wants the results right behind that.
  const calls = last.content.filter((part) => part.type === "tool-call");
  const rest = last.content.filter((part) => part.type !== "tool-call");
  conversation[conversation.length - 1] = { ...last, content: [...rest, { type: "text", text: note }, ...calls] };
}

/** Who is named in front of what they said: everybody in a group, nobody in a talk between two. */
function speakerOf(origin: unknown): string | null {
  const { chatKind, senderName, senderId } = (origin ?? {}) as Partial<LineOrigin>;
  if (chatKind === undefined || chatKind === "dm") return null;
  return speakerLabel(senderName ?? senderId ?? "somebody");
}

/** What was overheard before a person's line, as it is shown with it; null where there is nothing or it is not readable. */
function quoteOf(overheard: unknown): string | null {
  if (!Array.isArray(overheard)) return null;
  const said = overheard.filter(isOverheard);
  return said.length === 0 ? null : quoteOverheard(said);
}

function isOverheard(value: unknown): value is Overheard {
  const { senderId, senderName, text } = (value ?? {}) as Partial<Record<keyof Overheard, unknown>>;
  return (
    typeof senderId === "string" && typeof text === "string" && (senderName === null || typeof senderName === "string")
  );
}

interface Voice {
  readonly speaker: string | null;
  readonly quote: string | null;
}

function append(conversation: ModelMessage[], message: LineMessage, { speaker, quote }: Voice): void {
  if (message.role === "user") {
    const content = message.content.filter((part) => part.type === "text" || part.type === "file");
    const quoted: readonly UserContent[] = quote === null ? [] : [{ type: "text", text: quote }];
    if (content.length > 0) conversation.push({ role: "user", content: [...quoted, ...saidBy(speaker, content)] });
    return;
  }
  if (message.role === "assistant") {
    const content = message.content.flatMap(assistantContent);
    if (content.length > 0) conversation.push({ role: "assistant", content });
    return;
  }
  if (message.role !== "toolResult" || message.toolCallId === undefined) return;
  const result: ToolResult = {
    callId: message.toolCallId,
    tool: message.toolName ?? "",
    output: message.content.map((part) => (part.type === "text" ? part.text : "")).join(""),
    isError: message.isError ?? false,
  };
  const last = conversation.at(-1);
  if (last?.role === "tool")
    conversation[conversation.length - 1] = { role: "tool", results: [...last.results, result] };
  else conversation.push({ role: "tool", results: [result] });
}

function saidBy(speaker: string | null, content: readonly UserContent[]): readonly UserContent[] {
  if (speaker === null) return content;
  const [first, ...rest] = content;
  return first?.type === "text"
    ? [{ type: "text", text: `${speaker}: ${first.text}` }, ...rest]
    : [{ type: "text", text: `${speaker}:` }, ...content];
}

function assistantContent(part: LineContent): AssistantContent[] {
  switch (part.type) {
    case "text":
      return part.text === "" ? [] : [{ type: "text", text: part.text }];
    case "thinking":
      return [
        {
          type: "thinking",
          text: part.thinking,
          ...(part.signature === undefined ? {} : { signature: part.signature }),
        },
      ];
    case "toolCall":
      return [{ type: "tool-call", callId: part.id, tool: part.name, input: part.arguments }];
    case "file":
      return [];
  }
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
