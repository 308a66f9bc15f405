/**
 * Whether an address stands, word for word, in what people said or in what was read. One that the model put together may
 * carry away what it knows; one that was there already says nothing new to whoever wrote it.
 */
import type { ModelMessage } from "../../domain/conversation.ts";
import { messageText } from "../../domain/message.ts";
import { talkOf } from "../context/talk.ts";
import type { ToolCaller } from "../turn.ts";

export function isKnownAddress(turn: ToolCaller, url: string): boolean {
  const wanted = normal(url);
  if (wanted === null) return false;
  const { row, options, conversation, earlier } = turn;
  const said = [...talkOf(earlier).map(({ message }) => message), ...(options.history ?? []), ...(options.input ?? [])];
  const texts = [messageText(row.message), ...[...said, ...conversation].flatMap(textsOf)];
  return texts.some((text) => addressesIn(text).includes(wanted));
}

/** The model's own words count for nothing. */
function textsOf(message: ModelMessage): readonly string[] {
  switch (message.role) {
    case "user":
      return message.content.flatMap((part) => (part.type === "text" ? [part.text] : []));
    case "tool":
      return message.results.map(({ output }) => output);
    case "assistant":
      return [];
  }
}

function addressesIn(text: string): readonly string[] {
  const found = text.match(/https?:\/\/[^\s<>"'`\])}]+/gi) ?? [];
  // A full stop or a comma behind an address is the sentence's.
  return found
    .flatMap((address) => [normal(address), normal(address.replace(/[.,;:!?]+$/, ""))])
    .filter((one) => one !== null);
}

/** What is asked of a server is the same with another fragment. */
function normal(address: string): string | null {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  url.hash = "";
  return url.href;
}
