/** What a message brings into the context that its sender did not type. */
import { cleanSource } from "../../domain/external.ts";
import type { Attachment, InboundMessage } from "../../domain/message.ts";
import { withTaint, type Taint } from "../../domain/taint.ts";
import type { Overheard } from "../overheard.ts";
import { saidPieces } from "../said-pieces.ts";

/** Each source once. Empty for a message that is nothing but its sender's own words. */
export function taintOfMessage(message: InboundMessage, overheard: readonly Overheard[]): readonly Taint[] {
  const talk = overheard.length === 0 ? [] : [talkSource];
  const pieces = saidPieces(message).flatMap(({ quoted }) => (quoted === null ? [] : [quoted]));
  const files = message.content.flatMap(({ attachments = [] }) => attachments.flatMap(fileSource));
  return withTaint(
    [],
    [...talk, ...pieces, ...files].map((source) => ({ class: "foreign", source: cleanSource(source) })),
  );
}

/** What was said in the chat by others, and not to the assistant. */
export const talkSource = "talk of others in this chat";

/** A voice message is its sender speaking. What is in any other file, somebody else may have put there. */
function fileSource({ type, fileName }: Attachment): readonly string[] {
  if (type === "voice" || type === "sticker") return [];
  return [fileName === undefined ? `attached ${type}` : `attached ${type} ${fileName}`];
}
