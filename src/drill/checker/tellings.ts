/**
 * Answers that are told more than once: a telling that breaks off is told again behind a word that says so, and what ends
 * with the mark of the unfinished is no telling at all.
 */
import { isUnfinished, marksIn, saysAgain, type SeenMessage, type Truth } from "../truth.ts";

/** One mark as it is read in a finished message. */
export interface Copy {
  readonly message: SeenMessage;
  /** Place of the word, in everything that is seen, behind which this is a repetition that says so; null for a first telling. */
  readonly telling: number | null;
}

/** By mark, in the order in which people see them. */
export function copiesByMark(seen: readonly SeenMessage[]): ReadonlyMap<string, readonly Copy[]> {
  const copies = new Map<string, Copy[]>();
  const readers = new Map<string, Reader>();
  for (const [place, message] of seen.entries()) {
    const reader = readers.get(message.chat) ?? { said: null, tellings: new Map<string, number>() };
    readers.set(message.chat, reader);
    if (saysAgain(message)) reader.said = place;
    if (isUnfinished(message)) continue;
    for (const mark of marksIn(message.text)) {
      const copy = { message, telling: tellingOf(mark, reader) };
      copies.set(mark, [...(copies.get(mark) ?? []), copy]);
    }
  }
  return copies;
}

interface Reader {
  /** The place of a word that no answer has followed yet. */
  said: number | null;
  /** The newest telling of each answer that was told again, by its message. */
  readonly tellings: Map<string, number>;
}

/** The word is about the answer that follows it, and about no other. */
function tellingOf(mark: string, reader: Reader): number | null {
  const token = mark.split("#")[0] ?? "";
  if (reader.said !== null) reader.tellings.set(token, reader.said);
  reader.said = null;
  return reader.tellings.get(token) ?? null;
}

/** Copies that nothing explains: more than one in the same telling. */
export function unexplained(copies: readonly Copy[]): number {
  const plain = copies.filter(({ message }) => !message.labelled);
  const tellings = Map.groupBy(plain, ({ telling }) => telling);
  return Math.max(0, ...[...tellings.values()].map((same) => same.length));
}

/** A word that an answer was interrupted, where nothing can have interrupted one. */
export function groundlessWords({ seen, disruptions, refusals, modelCalls }: Truth): readonly string[] {
  return seen
    .filter(
      (message) =>
        saysAgain(message) &&
        !disruptions.some(({ fromMs }) => fromMs <= message.atMs) &&
        !refusals.some(({ chat, atMs }) => chat === message.chat && atMs <= message.atMs) &&
        !modelCalls.some(({ outcome, atMs }) => outcome === "broken" && atMs <= message.atMs),
    )
    .map(
      ({ chat, platformMessageId }) => `${chat} ${platformMessageId} says that an answer was interrupted, and none was`,
    );
}

/**
 * Half an answer may be left standing where nobody knows that it is there, where its platform can neither change nor delete
 * it or refused to, and where nothing may go any more. Whoever knows its id and may has to make it whole or take it away.
 */
export function leftUnfinished({ seen, parts, canAmend, closures, refusals }: Truth): readonly string[] {
  return seen.filter(isUnfinished).flatMap((message) => {
    const { chat, platformMessageId } = message;
    const here = parts.filter((part) => part.chat === chat);
    const isNamed = here.some((part) => part.platformMessageIds.includes(platformMessageId));
    const isInDoubt = !isNamed && here.some(({ history }) => history.some(({ state }) => state === "unknown"));
    const isRefused = refusals.some((one) => one.chat === chat && one.atMs >= message.atMs);
    const isClosed = closures.some((one) => one.chat === chat);
    if (isInDoubt || !canAmend || isRefused || isClosed) return [];
    return [`${chat} ${platformMessageId} was left unfinished: ${JSON.stringify(message.text.slice(0, 60))}`];
  });
}
