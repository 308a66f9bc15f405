/** Messages that were taken into a turn under way, as a row of its steps: what the model is told and the transcript keeps. */
import type { Config } from "../../config/schema/root.ts";
import type { ModelMessage, UserContent } from "../../domain/conversation.ts";
import { messageText, type InboundMessage } from "../../domain/message.ts";
import type { Taint } from "../../domain/taint.ts";
import { truncateText } from "../../domain/text.ts";
import { limits } from "../../domain/limits.ts";
import type { InboxRow } from "../../store/port.ts";
import type { TranscriptDraft } from "../../store/session-port.ts";
import { taintOfEntries } from "../acting/turn-taint.ts";
import { conversationOf } from "../context/talk.ts";
import { personsEntries } from "../transcript-entry.ts";

/** What a `said` row holds. */
export interface SaidRecord {
  readonly message: ModelMessage;
  readonly entries: readonly TranscriptDraft[];
  /** Where words of them came from that their sender did not type, such as what is forwarded. */
  readonly taint: readonly Taint[];
  /** The platform's id of the newest of them: what the turn's reply answers now. */
  readonly replyToId: string;
}

/** `rows` is not empty, oldest first. */
export function saidTogether(rows: readonly InboxRow[]): SaidRecord {
  return recordOf(
    rows.map(({ message }) => message),
    rows,
  );
}

/** In place of messages that were too many: that there were some, or a list of them. */
export function saidInShort(rows: readonly InboxRow[], { cap, drop }: Queue): SaidRecord {
  const first = (rows[0] as InboxRow).message;
  const text = drop === "summarize" ? listOf(rows) : `[${leftOut(rows.length, drop)} more than ${cap} were waiting.]`;
  return recordOf([{ ...first, content: [{ type: "text", text }] }], rows);
}

type Queue = Pick<Config["messages"]["queue"], "cap" | "drop">;

function leftOut(count: number, drop: "old" | "new"): string {
  const which = drop === "old" ? "older" : "newer";
  return count === 1
    ? `One ${which} message of mine was left out:`
    : `${count} ${which} messages of mine were left out:`;
}

function listOf(rows: readonly InboxRow[]): string {
  return ["[Also written meanwhile, in short:]", ...rows.map(({ message }) => `- ${inShort(message)}`)].join("\n");
}

function inShort(message: InboundMessage): string {
  const line = messageText(message).replaceAll(/\s+/g, " ").trim();
  const cut = truncateText(line, limits.overCapLineChars, "grapheme");
  const files = message.content.reduce((count, content) => count + (content.attachments?.length ?? 0), 0);
  const withFiles = files === 0 ? "" : ` (with ${files === 1 ? "a file" : `${files} files`})`;
  return `${cut}${cut.length < line.length ? " …" : ""}${withFiles}`;
}

/** One message to the model, however many they were: it is one person who says it all at once. */
function recordOf(messages: readonly InboundMessage[], rows: readonly InboxRow[]): SaidRecord {
  const entries = messages.flatMap((message) => personsEntries(entryIdOf(message), message, undefined));
  const content: UserContent[] = conversationOf(entries).flatMap((said) => (said.role === "user" ? said.content : []));
  return {
    message: { role: "user", content },
    entries,
    taint: taintOfEntries(entries),
    replyToId: (rows.at(-1) as InboxRow).message.platformMessageId,
  };
}

/** As the message's own turn would have named it. */
function entryIdOf({ id }: InboundMessage): string {
  return id.replaceAll("-", "").slice(-8);
}
