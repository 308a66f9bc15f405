/**
 * Whether an address stands, word for word, in what people said or in what was read. One that the model put together may
 * carry away what it knows; one that was there already says nothing new to whoever wrote it. What only gives back the
 * model's own words (a refusal, a file it wrote, an order of another turn) makes no address known.
 */
import type { ModelMessage } from "../../domain/conversation.ts";
import { messageText } from "../../domain/message.ts";
import type { TranscriptDraft } from "../../store/session-port.ts";
import { talkOf } from "../context/talk.ts";
import type { ToolCaller } from "../turn.ts";
import { bornKey, taintOfEntries } from "./turn-taint.ts";

export function isKnownAddress(turn: ToolCaller, url: string): boolean {
  const wanted = normal(url);
  if (wanted === null) return false;
  const { row, options, earlier, transcript } = turn;
  // What another turn wrote after foreign words may be what those told it to write.
  const asked = (options.born?.taint ?? []).length > 0 ? [] : [messageText(row.message)];
  const told = [...(options.history ?? []), ...(options.input ?? [])].flatMap(wordsOfPerson);
  const texts = [...asked, ...told, ...[...earlier, ...transcript].flatMap(textsOf)];
  return texts.some((text) => addressesIn(text).includes(wanted));
}

function textsOf(entry: TranscriptDraft): readonly string[] {
  if (entry.body[bornKey] === true) return [];
  return talkOf([entry]).flatMap(({ message }) =>
    message.role === "tool"
      ? message.results.filter((result) => isRead(result, entry)).map(({ output }) => output)
      : wordsOfPerson(message),
  );
}

/** The model's own words count for nothing. */
function wordsOfPerson(message: ModelMessage): readonly string[] {
  return message.role === "user" ? message.content.flatMap((part) => (part.type === "text" ? [part.text] : [])) : [];
}

/**
 * Pages and results of a search, and files that hold nothing from elsewhere. Any other tool can be made to say what the
 * model wants to read, and so can a failure.
 */
function isRead(
  { tool, isError }: { readonly tool: string; readonly isError: boolean },
  entry: TranscriptDraft,
): boolean {
  if (isError) return false;
  if (tool === "web_fetch" || tool === "web_search") return true;
  return tool === "read" && taintOfEntries([entry]).every((taint) => taint.class === "local");
}

function addressesIn(text: string): readonly string[] {
  const found = text.match(/https?:\/\/[^\s<>"'`]+/gi) ?? [];
  // A full stop or a comma behind an address is the sentence's.
  return found
    .flatMap(endingsOf)
    .flatMap((address) => [normal(address), normal(address.replace(/[.,;:!?*_~|]+$/, ""))])
    .filter((one) => one !== null);
}

/** A bracket may be the address's or the sentence's: it may end in front of each, and behind it. */
function endingsOf(address: string): readonly string[] {
  const brackets = [...address.matchAll(/[)\]}]/g)].slice(0, mostBrackets);
  return [address, ...brackets.flatMap(({ index }) => [address.slice(0, index), address.slice(0, index + 1)])];
}

const mostBrackets = 8;

/** What is asked of a server is the same with another fragment. */
function normal(address: string): string | null {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  url.hash = "";
  return url.href;
}
