/**
 * The last word on size: whatever the conversation is, what leaves here fits, and the newest message is in it. No model is
 * asked and nothing is random: the same conversation gives the same request.
 *
 * In this order: the oldest exchanges go, whole; old results of this turn are cut; then the longest pieces, all to the
 * same length; and where that is not enough, files become notes, and the oldest steps of this turn go.
 */
import type { AssistantContent, ModelInfo, ModelMessage, UserContent } from "../../domain/conversation.ts";
import { attachmentNote } from "../../providers/attachment-note.ts";
import { cutToTokens, markTokens } from "./cut-text.ts";
import { attachmentTokens, textTokens, type TokenCounter } from "./token-estimate.ts";

/** What a request is made of, oldest first. */
export interface Sections {
  readonly summary: readonly ModelMessage[];
  readonly history: readonly ModelMessage[];
  readonly input: readonly ModelMessage[];
  readonly steps: readonly ModelMessage[];
}

export interface FitFacts {
  /** Estimated tokens that all of it may have. */
  readonly tokens: number;
  readonly model: ModelInfo;
  readonly counter: TokenCounter;
}

export interface Fitted extends Sections {
  /** Messages of the history that are left out. */
  readonly cut: number;
  /** Files that became a note. */
  readonly notedFiles: number;
}

/** Null where not even the shortest form has room. */
export function fitWindow(sections: Sections, facts: FitFacts): Fitted | null {
  const { counter, tokens } = facts;
  const { summary, history, input, steps } = sections;
  const room = tokens - counter.conversation([...summary, ...input, ...steps]);
  const start = historyStart(history, { room, block: Math.floor(tokens / 8), counter });
  const fitted = { ...sections, history: history.slice(start), cut: start, notedFiles: 0 };
  if (room >= 0) return fitted;
  const short = shortened({ summary, input, steps, notedFiles: 0 }, facts);
  return short === null ? null : { ...fitted, ...short };
}

/**
 * A cut is only made in front of a user's message, so that no exchange is halved; and at multiples of a block of tokens
 * from the beginning, so that it stays where it is for a while: the prompt cache holds on to an unmoved beginning.
 */
function historyStart(
  history: readonly ModelMessage[],
  { room, block, counter }: { room: number; block: number; counter: TokenCounter },
): number {
  const over = counter.conversation(history) - Math.max(0, room);
  if (over <= 0) return 0;
  const wanted = Math.ceil(over / Math.max(1, block)) * block;
  let enough = history.length;
  let before = 0;
  for (const [index, message] of history.entries()) {
    if (message.role === "user" && before >= over) {
      if (before >= wanted) return index;
      enough = Math.min(enough, index);
    }
    before += counter.message(message);
  }
  return enough;
}

/** What is kept in any case, when it is too large by itself. */
interface Kept extends Omit<Sections, "history"> {
  readonly notedFiles: number;
}

function shortened(kept: Kept, facts: FitFacts): Kept | null {
  const lastResults = kept.steps.findLastIndex(({ role }) => role === "tool");
  const old = kept.steps.filter(({ role }, index) => role === "tool" && index < lastResults);
  const withoutOld = capped(kept, old, facts);
  if (withoutOld.fits) return withoutOld.kept;
  for (let now: Kept | null = withoutOld.kept; now !== null; now = withLess(now, facts)) {
    const all = capped(now, [...now.summary, ...now.input, ...now.steps], facts);
    if (all.fits) return all.kept;
  }
  return null;
}

/** One thing less: the largest file, else the oldest step; null where there is neither. */
function withLess(kept: Kept, { model }: FitFacts): Kept | null {
  const files = kept.input.flatMap((message) => (message.role === "user" ? message.content.filter(isFile) : []));
  const [largest] = files.toSorted(
    (one, other) => attachmentTokens(other.attachment) - attachmentTokens(one.attachment),
  );
  if (largest !== undefined) {
    const note: UserContent = { type: "text", text: `${attachmentNote(largest.attachment, model)} (no room for it)` };
    const input = kept.input.map((message): ModelMessage => {
      if (message.role !== "user") return message;
      return { role: "user", content: message.content.map((part) => (part === largest ? note : part)) };
    });
    return { ...kept, input, notedFiles: kept.notedFiles + 1 };
  }
  const next = kept.steps.findIndex(({ role }, index) => index > 0 && role === "assistant");
  return next === -1 ? null : { ...kept, steps: kept.steps.slice(next) };
}

function isFile(part: UserContent): part is Extract<UserContent, { type: "file" }> {
  return part.type === "file";
}

/** Below this a piece is nothing but the mark of what is missing. */
const leastPieceTokens = 2 * markTokens;

/** Cuts the pieces of the chosen messages to one length, as long as it may be. Where it does not fit, it is the shortest form. */
function capped(
  kept: Kept,
  chosen: readonly ModelMessage[],
  { tokens, counter }: FitFacts,
): { kept: Kept; fits: boolean } {
  const messages = [...kept.summary, ...kept.input, ...kept.steps];
  const pieces = chosen.flatMap(pieceTokens);
  const fixed = counter.conversation(messages) - pieces.reduce((sum, piece) => sum + piece, 0);
  const level = waterLevel(pieces, tokens - fixed);
  const wanted = new Set(chosen);
  const cap = (message: ModelMessage): ModelMessage =>
    wanted.has(message) ? capMessage(message, Math.max(level, leastPieceTokens)) : message;
  return {
    kept: { ...kept, summary: kept.summary.map(cap), input: kept.input.map(cap), steps: kept.steps.map(cap) },
    fits: level >= leastPieceTokens,
  };
}

/** The greatest length to which all may be cut so that together they have room. */
function waterLevel(sizes: readonly number[], room: number): number {
  let left = room;
  const sorted = sizes.toSorted((one, other) => one - other);
  for (const [index, size] of sorted.entries()) {
    const share = Math.floor(left / (sorted.length - index));
    if (size > share) return share;
    left -= size;
  }
  return left < 0 ? 0 : Number.POSITIVE_INFINITY;
}

function pieceTokens(message: ModelMessage): number[] {
  switch (message.role) {
    case "user":
      return message.content.flatMap((part) => (part.type === "text" ? [textTokens(part.text)] : []));
    case "assistant":
      return message.content.flatMap((part) => {
        if (part.type === "thinking") return [];
        return [textTokens(part.type === "text" ? part.text : JSON.stringify(part.input ?? null))];
      });
    case "tool":
      return message.results.map(({ output }) => textTokens(output));
  }
}

const why = "the whole does not fit what the model can read at once";

function capMessage(message: ModelMessage, tokens: number): ModelMessage {
  switch (message.role) {
    case "user":
      return {
        role: "user",
        content: message.content.map((part) =>
          part.type === "text" ? { type: "text", text: cutToTokens(part.text, tokens, why) } : part,
        ),
      };
    case "assistant":
      return { role: "assistant", content: message.content.map((part) => capPart(part, tokens)) };
    case "tool":
      return {
        role: "tool",
        results: message.results.map((result) => ({ ...result, output: cutToTokens(result.output, tokens, why) })),
      };
  }
}

function capPart(part: AssistantContent, tokens: number): AssistantContent {
  if (part.type === "thinking") return part;
  if (part.type === "text") return { type: "text", text: cutToTokens(part.text, tokens, why) };
  const input = JSON.stringify(part.input ?? null);
  if (textTokens(input) <= tokens) return part;
  // What a call was made with is no text that could be cut: it says what it was.
  return { ...part, input: { leftOut: `${input.length} characters` } };
}
