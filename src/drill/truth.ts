/**
 * What really happened in a drill, told by those who cannot be mistaken: the people who wrote, the platforms that showed,
 * the models that answered, and the store as it was left. The checker reads this and nothing else.
 */
import type { Address } from "../domain/message.ts";
import type { InboxState, PartState } from "./states.ts";

export interface Truth {
  readonly said: readonly SaidMessage[];
  /** What people saw of us, in the order in which each platform showed it. */
  readonly seen: readonly SeenMessage[];
  readonly modelCalls: readonly ModelCall[];
  /** One per accepted event at the end; what was said and has none is missing here. */
  readonly rows: readonly EndRow[];
  readonly parts: readonly EndPart[];
  readonly disruptions: readonly Disruption[];
  /** Sends that their platform refused, broke off or left without an answer. */
  readonly refusals: readonly { readonly chat: string; readonly atMs: number }[];
  /** Whether a message that is shown can be made another or taken away. */
  readonly canAmend: boolean;
  /** Chats into which nothing may go any more, since when that was in force. */
  readonly closures: readonly { readonly chat: string; readonly fromMs: number }[];
  readonly ledger: { readonly calls: number; readonly costMicros: number };
  /** A picture of the whole store before and after somebody read everything there is to read. */
  readonly reads: readonly { readonly name: string; readonly before: string; readonly after: string }[];
  /** Secrets that were planted, and everything that left the house or was written down beside the store. */
  readonly canaries: readonly string[];
  readonly texts: readonly { readonly where: string; readonly text: string }[];
}

export interface SaidMessage {
  /** In its text and nowhere else, e.g. `m17`. */
  readonly token: string;
  readonly chat: string;
  readonly address: Address;
  readonly platformMessageId: string;
  readonly atMs: number;
  /** `silence`: it is not for us, or its sender may not write. `either`: its chat was closed while it was answered. */
  readonly expect: "answer" | "silence" | "either";
  /** What a complete answer shows, each once and in this order, e.g. `m17#1`, `m17#2`. */
  readonly marks: readonly string[];
  /** The platform was told that it arrived. */
  readonly acknowledged: boolean;
}

export interface SeenMessage {
  readonly chat: string;
  /** As it stands in the end. */
  readonly text: string;
  readonly platformMessageId: string;
  /** When it became what it is. */
  readonly atMs: number;
  /** It said of itself that it may be a repetition. */
  readonly labelled: boolean;
}

export interface ModelCall {
  /** What was asked, so that the same step of the same message asked again is found: the newest text and its role. */
  readonly step: string;
  readonly atMs: number;
  /** `complete`: every byte of the answer was handed over. `broken`: a planted fault, or the caller went away. */
  readonly outcome: "complete" | "broken";
  /** What the provider would charge. */
  readonly costMicros: number;
}

export interface EndRow {
  readonly token: string;
  readonly runId: string;
  readonly state: InboxState;
  readonly reason: string | null;
  /** How often its way shows an end. */
  readonly ends: number;
}

export interface EndPart {
  readonly id: string;
  readonly token: string | null;
  readonly chat: string;
  readonly state: PartState;
  readonly platformMessageIds: readonly string[];
  /** It was taken back because another part says its text. */
  readonly superseded: boolean;
  /** Every state it was in, oldest first, as its way tells. */
  readonly history: readonly { readonly state: string; readonly atMs: number }[];
}

/** Something that can cost an answer that was on its way: a kill, a stop, a disk that refuses. */
export interface Disruption {
  readonly kind: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** The name of a chat in a drill: two bots in one group are two chats. */
export function chatName({ channel, accountId, chatId, threadId }: Address): string {
  return [channel, accountId, chatId, ...(threadId === undefined ? [] : [threadId])].join("/");
}

/** Marks in a text, in order, each as often as it is there. */
export function marksIn(text: string): readonly string[] {
  return text.match(/\bm\d+#\d+\b/g) ?? [];
}

/** Ends what is shown before it is whole; whoever reads it waits for more, and takes it for no answer. */
export function isUnfinished({ text }: SeenMessage): boolean {
  return text.endsWith(" …");
}

/** Begins an answer that was begun before and is told again from its first word; a repetition may stand in front. */
export function saysAgain({ text }: SeenMessage): boolean {
  return text.includes("(The answer was interrupted; here it is again.)");
}
