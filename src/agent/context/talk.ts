/**
 * A transcript as a conversation. Reads what is there and trusts nothing of it: lines come from imports and from older
 * versions too. A line that is no message, or not readable as one, is left out; what it leaves behind is made valid
 * when a request is put together, in `valid-conversation.ts`.
 */
import { createHash } from "node:crypto";
import type { AssistantContent, ModelMessage, ToolResult, UserContent } from "../../domain/conversation.ts";
import { wrapExternal } from "../../domain/external.ts";
import { attachmentSchema } from "../../domain/message.ts";
import type { TranscriptDraft } from "../../store/session-port.ts";
import { talkSource } from "../acting/message-taint.ts";
import { quoteOverheard, type Overheard } from "../overheard.ts";
import { speakerLabel } from "../speaker-label.ts";
import type { LineOrigin } from "../transcript-entry.ts";
import { unreadReplies } from "../unread-reply.ts";

/** One message, and the transcript's entry that it begins with. */
export interface TalkLine {
  readonly message: ModelMessage;
  readonly entryId: string;
  readonly atMs: number;
}

export function conversationOf(entries: readonly TranscriptDraft[]): ModelMessage[] {
  return talkOf(entries).map(({ message }) => message);
}

/** In the order of the entries; the results of one round of tools are one line. */
export function talkOf(entries: readonly TranscriptDraft[]): TalkLine[] {
  const lines: TalkLine[] = [];
  const unread = unreadReplies(entries);
  for (const entry of entries) {
    if (entry.type !== "message") continue;
    const message = messageOf(entry);
    if (message !== null) push(lines, message, entry);
    const note = unread.get(entry);
    if (note !== undefined) appendNote(lines, note);
  }
  return lines;
}

function push(lines: TalkLine[], message: ModelMessage, { id, atMs }: TranscriptDraft): void {
  const last = lines.at(-1);
  if (message.role === "tool" && last?.message.role === "tool") {
    lines[lines.length - 1] = {
      ...last,
      message: { role: "tool", results: [...last.message.results, ...message.results] },
    };
  } else lines.push({ message, entryId: id, atMs });
}

/** What was said and not read is marked where it was said, or the assistant would build on it. */
function appendNote(lines: TalkLine[], note: string): void {
  const last = lines.at(-1);
  if (last?.message.role !== "assistant") return;
  // In front of what it asked of tools: a provider wants the results right behind that.
  const calls = last.message.content.filter((part) => part.type === "tool-call");
  const rest = last.message.content.filter((part) => part.type !== "tool-call");
  const content: AssistantContent[] = [...rest, { type: "text", text: note }, ...calls];
  lines[lines.length - 1] = { ...last, message: { role: "assistant", content } };
}

function messageOf({ id, body }: TranscriptDraft): ModelMessage | null {
  const message = recordOf(body["message"]);
  const parts = partsOf(message["content"]);
  switch (message["role"]) {
    case "user":
      return userMessage(parts, { speaker: speakerOf(body["origin"]), quote: quoteOf(body["overheard"]), entryId: id });
    case "assistant": {
      const content = parts.flatMap(assistantContent);
      return content.length === 0 ? null : { role: "assistant", content };
    }
    case "toolResult": {
      const result = toolResult(message, parts);
      return result === null ? null : { role: "tool", results: [result] };
    }
    default:
      return null;
  }
}

type Part = Readonly<Record<string, unknown>>;

function recordOf(value: unknown): Part {
  return typeof value === "object" && value !== null ? (value as Part) : {};
}

function partsOf(content: unknown): readonly Part[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content.map(recordOf) : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function userMessage(parts: readonly Part[], voice: Voice): ModelMessage | null {
  const said = parts.flatMap((part) => userPiece(part, voice));
  if (said.length === 0) return null;
  const { quote } = voice;
  const quoted: readonly UserContent[] = quote === null ? [] : [wrapped(quote, talkSource, voice)];
  return { role: "user", content: [...quoted, ...saidBy(voice.speaker, said)] };
}

interface SaidContent {
  readonly content: UserContent;
  /** Whether it is what the speaker wrote. */
  readonly isOwn: boolean;
}

function userPiece(part: Part, voice: Voice): SaidContent[] {
  if (part["type"] === "text") {
    const [text, source] = [textOf(part["text"]), part["quoted"]];
    return typeof source === "string"
      ? [{ content: wrapped(text, source, voice), isOwn: false }]
      : [{ content: { type: "text", text }, isOwn: true }];
  }
  if (part["type"] !== "file") return [];
  const attachment = attachmentSchema.safeParse(part["attachment"]);
  return attachment.success ? [{ content: { type: "file", attachment: attachment.data }, isOwn: false }] : [];
}

function wrapped(text: string, source: string, { entryId }: Voice): UserContent {
  return {
    type: "text",
    text: wrapExternal(text, { source: { class: "foreign", source }, marker: markerOf(entryId, text) }),
  };
}

/** The same whenever the entry is read, so that a provider finds it in its cache; no writer of the text knew the entry. */
function markerOf(entryId: string, text: string): string {
  return createHash("sha256").update(`${entryId}\n${text}`).digest("hex").slice(0, 16);
}

interface Voice {
  readonly speaker: string | null;
  readonly quote: string | null;
  readonly entryId: string;
}

/** Who is named in front of what they said: everybody in a group, nobody in a talk between two. */
function speakerOf(origin: unknown): string | null {
  const { chatKind, senderName, senderId } = recordOf(origin) as Partial<LineOrigin>;
  if (chatKind === undefined || chatKind === "dm") return null;
  return speakerLabel(textOf(senderName) || textOf(senderId) || "somebody");
}

/** What was overheard before a person's line, as it is shown with it; null where there is nothing or it is not readable. */
function quoteOf(overheard: unknown): string | null {
  if (!Array.isArray(overheard)) return null;
  const said = overheard.filter(isOverheard);
  return said.length === 0 ? null : quoteOverheard(said);
}

function isOverheard(value: unknown): value is Overheard {
  const { senderId, senderName, text } = recordOf(value);
  return (
    typeof senderId === "string" && typeof text === "string" && (senderName === null || typeof senderName === "string")
  );
}

function saidBy(speaker: string | null, said: readonly SaidContent[]): readonly UserContent[] {
  const all = said.map(({ content }) => content);
  if (speaker === null) return all;
  const [first, ...rest] = said;
  return first?.isOwn === true && first.content.type === "text"
    ? [{ type: "text", text: `${speaker}: ${first.content.text}` }, ...rest.map(({ content }) => content)]
    : [{ type: "text", text: `${speaker}:` }, ...all];
}

function assistantContent(part: Part): AssistantContent[] {
  switch (part["type"]) {
    case "text": {
      const text = textOf(part["text"]);
      return text === "" ? [] : [{ type: "text", text }];
    }
    case "thinking": {
      const { signature } = part;
      return [
        {
          type: "thinking",
          text: textOf(part["thinking"]),
          ...(typeof signature === "string" ? { signature } : {}),
        },
      ];
    }
    case "toolCall": {
      const { id, name } = part;
      if (typeof id !== "string" || typeof name !== "string") return [];
      return [{ type: "tool-call", callId: id, tool: name, input: part["arguments"] }];
    }
    default:
      return [];
  }
}

function toolResult(message: Part, parts: readonly Part[]): ToolResult | null {
  const { toolCallId, toolName, isError } = message;
  if (typeof toolCallId !== "string") return null;
  return {
    callId: toolCallId,
    tool: textOf(toolName),
    output: parts.map((part) => (part["type"] === "text" ? textOf(part["text"]) : "")).join(""),
    isError: isError === true,
  };
}
