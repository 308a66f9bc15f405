/** I1, I2 and I5: nothing that was acknowledged is missing, each message is answered once, and in its order. */
import { limits } from "../../domain/limits.ts";
import {
  isUnfinished,
  marksIn,
  saysAgain,
  type EndRow,
  type SaidMessage,
  type SeenMessage,
  type Truth,
} from "../truth.ts";
import { copiesByMark, groundlessWords, leftUnfinished, unexplained, type Copy } from "./tellings.ts";

export function acknowledgedExists({ said, rows }: Truth): readonly string[] {
  const known = new Set(rows.map((row) => row.token));
  return said
    .filter(({ acknowledged, token }) => acknowledged && !known.has(token))
    .map(
      ({ token, chat }) => `${token} in ${chat} was acknowledged to its platform, and the store has never heard of it`,
    );
}

export function answeredOnce(truth: Truth): readonly string[] {
  const rows = new Map(truth.rows.map((row) => [row.token, row]));
  const copies = copiesByMark(truth.seen);
  return [
    ...truth.said.flatMap((message) => [
      ...endFaults(message, rows.get(message.token)),
      ...answerFaults(message, rows.get(message.token), { copies, truth }),
    ]),
    ...truth.parts
      .filter(({ state }) => state === "prepared" || state === "sending")
      .map(({ id, chat, state }) => `${id} for ${chat} is still ${state}`),
    ...groundlessWords(truth),
    ...leftUnfinished(truth),
    ...strangers(truth),
  ];
}

export function chatOrder(truth: Truth): readonly string[] {
  const first = firstShown(truth.seen);
  const chats = Map.groupBy(truth.said, (message) => message.chat);
  return [...chats].flatMap(([chat, said]) => {
    // A repetition that says so may come late: whoever reads it knows why.
    const shown = said
      .flatMap(({ token, marks }) => marks.map((mark) => ({ token, mark, ...first.get(mark) })))
      .filter(({ labelled }) => labelled === false);
    return shown.flatMap((one, index) => {
      const before = shown[index - 1];
      if (before === undefined || (one.place ?? 0) > (before.place ?? 0)) return [];
      // A block that was refused the first time is first seen when the answer says that it begins again.
      if (one.token === before.token && one.telling !== before.telling) return [];
      return [`${one.mark} was shown before ${before.mark} in ${chat}, and belongs behind it`];
    });
  });
}

function endFaults({ token, chat }: SaidMessage, row: EndRow | undefined): readonly string[] {
  if (row === undefined) return [`${token} in ${chat} was said and is nowhere in the store`];
  if (row.state === "queued" || row.state === "running") return [`${token} in ${chat} is still ${row.state}`];
  if (row.reason === null || row.reason === "") return [`${token} in ${chat} ended as ${row.state} without a reason`];
  if (row.ends > 1) return [`${token} in ${chat} ended ${row.ends} times`];
  return [];
}

interface Shown {
  readonly copies: ReadonlyMap<string, readonly Copy[]>;
  readonly truth: Truth;
}

function answerFaults(message: SaidMessage, row: EndRow | undefined, shown: Shown): readonly string[] {
  const { token, chat, marks, expect } = message;
  if (expect === "silence") {
    const answers = marks.flatMap((mark) => shown.copies.get(mark) ?? []);
    return answers.length === 0 ? [] : [`${token} in ${chat} was not for us, and was answered`];
  }
  // Without a row it is lost already; while it waits nothing has to be seen yet. Both were said above.
  if (row === undefined || row.state === "queued" || row.state === "running") return [];
  if (!endedWithAnswer(row)) return expect === "either" ? [] : wordFaults(message, row, shown.truth);
  const excused = expect === "either" || wasGivenUp(message, shown.truth);
  return marks.flatMap((mark) => {
    const copies = shown.copies.get(mark) ?? [];
    const plain = unexplained(copies);
    return [
      ...(copies.length === 0 && !excused ? [`${mark} in ${chat} was never shown: the answer is lost`] : []),
      ...(plain > 1 ? [`${mark} in ${chat} was shown ${plain} times, and nothing said that it may repeat`] : []),
      ...copies
        .filter(({ message: { chat: at } }) => at !== chat)
        .map(({ message: { chat: at } }) => `${mark} belongs to ${chat} and was shown in ${at}`),
    ];
  });
}

/**
 * Delivery gives up after a bounded number of attempts, keeps the part among the dead letters and says why. That is no loss
 * where the platform really refused that many while the part was under way, and one where it did not: a crash is no refusal.
 */
export function wasGivenUp({ token, chat }: SaidMessage, { parts, refusals }: Truth): boolean {
  return parts.some((part) => {
    if (part.token !== token || part.superseded) return false;
    if (part.state !== "failed") return part.state === "expired";
    const fromMs = (part.history[0]?.atMs ?? 0) - slackMs;
    const untilMs = (part.history.at(-1)?.atMs ?? 0) + slackMs;
    const refused = refusals.filter(({ chat: at, atMs }) => at === chat && atMs >= fromMs && atMs <= untilMs);
    return refused.length >= limits.deliveryAttempts;
  });
}

/** The gateway's clock and the emulators' are read at two moments. */
const slackMs = 100;

/** Ended with an honest word (the model failed, it came too late): it has to reach the person, as an answer would. */
function wordFaults({ token, chat }: SaidMessage, row: EndRow, { parts, seen }: Truth): readonly string[] {
  if (row.state === "rejected") return [`${token} in ${chat} was refused (${row.reason}), and should not have been`];
  const ids = new Set(parts.filter((part) => part.token === token).flatMap((part) => part.platformMessageIds));
  if (seen.some((one) => one.chat === chat && ids.has(one.platformMessageId))) return [];
  return [`${token} in ${chat} ended as ${row.state} (${row.reason}), and nobody was told`];
}

function endedWithAnswer({ state, reason }: EndRow): boolean {
  return state === "merged" || (state === "replied" && reason?.startsWith("error") !== true);
}

/**
 * What people saw that no message asked for. A word without a mark may be there as often as parts say so, and in one more
 * copy for each of them that was repeated with a label.
 */
function strangers({ said, seen, parts }: Truth): readonly string[] {
  const tokens = new Set(said.map((message) => message.token));
  const ours = new Set(parts.flatMap((part) => part.platformMessageIds.map((id) => `${part.chat} ${id}`)));
  const known = seen.filter((one) => ours.has(`${one.chat} ${one.platformMessageId}`));
  const isForeign = (mark: string): boolean => !tokens.has(mark.split("#")[0] ?? "");
  // Half an answer, and the word that it comes again, have rules of their own.
  const isWord = (one: SeenMessage): boolean => marksIn(one.text).length === 0 && !saysAgain(one) && !isUnfinished(one);
  const words = seen.filter((one) => isWord(one) && !one.labelled);
  const tooOften = words.filter((word) => {
    const same = (other: SeenMessage): boolean => other.chat === word.chat && other.text.endsWith(word.text);
    return words.filter(same).length > known.filter(same).length;
  });
  return [...seen.filter((one) => marksIn(one.text).some(isForeign)), ...tooOften].map(
    (one) => `${one.chat} shows ${JSON.stringify(one.text.slice(0, 60))}, which answers nobody`,
  );
}

interface FirstShown {
  readonly place: number;
  readonly labelled: boolean;
  /** How often an answer had begun again in this chat by then. */
  readonly telling: number;
}

function firstShown(seen: readonly SeenMessage[]): ReadonlyMap<string, FirstShown> {
  const first = new Map<string, FirstShown>();
  const tellings = new Map<string, number>();
  let place = 0;
  for (const message of seen) {
    const { chat, text, labelled } = message;
    if (isUnfinished(message)) continue;
    if (saysAgain(message)) tellings.set(chat, (tellings.get(chat) ?? 0) + 1);
    for (const mark of marksIn(text)) {
      place += 1;
      if (!first.has(mark)) first.set(mark, { place, labelled, telling: tellings.get(chat) ?? 0 });
    }
  }
  return first;
}
