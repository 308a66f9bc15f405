/**
 * How many tokens a text is, without a tokenizer: each kind of writing by what it costs in the common vocabularies, erring
 * high, since a prompt that was thought too large is shortened and one that was thought too small is refused. One pass
 * over the text, nothing allocated. What a provider really counted corrects it, model by model: see `token-scale.ts`.
 */
import type { AssistantContent, ModelMessage, ToolResult, ToolSpec, UserContent } from "../../domain/conversation.ts";
import type { Attachment } from "../../domain/message.ts";

/** What every message costs besides its content. */
const messageOverheadTokens = 6;
/** A call and its result carry a name, an id and a frame each. */
const callOverheadTokens = 20;
/** A picture, whatever its size: more than the common providers count for the largest they take unscaled. */
const imageTokens = 1_600;
/** A document is counted by its bytes: text and pictures of its pages. */
const documentBytesPerToken = 40;
const documentTokens = { least: 3_000, most: 100_000 };

export function messageTokens(message: ModelMessage): number {
  return Math.ceil(messageOverheadTokens + contentTokens(message));
}

export function conversationTokens(messages: readonly ModelMessage[]): number {
  return messages.reduce((tokens, message) => tokens + messageTokens(message), 0);
}

/** Estimates each object once: a conversation is made of the same messages at each step, and offers the same tools. */
export interface TokenCounter {
  tools(tools: readonly ToolSpec[]): number;
  message(message: ModelMessage): number;
  conversation(messages: readonly ModelMessage[]): number;
  /** Estimates all of them, and lets others have their turn in between. */
  warm(messages: readonly ModelMessage[], pause: Pause): Promise<void>;
}

/** Lets everything else that waits have its turn of the event loop. */
export type Pause = () => Promise<void>;

/** About half a millisecond of estimating. */
const tokensPerBeat = 30_000;

export function createTokenCounter(): TokenCounter {
  const known = new WeakMap<ModelMessage, number>();
  const message = rememberedIn(known, messageTokens);
  const tool = rememberedIn(new WeakMap(), specTokens);
  return {
    message,
    tools: (tools) => tools.reduce((tokens, one) => tokens + tool(one), 0),
    conversation: (messages) => messages.reduce((tokens, one) => tokens + message(one), 0),
    async warm(messages, pause) {
      let beat = 0;
      for (const one of messages) {
        if (known.has(one)) continue;
        beat += message(one);
        if (beat < tokensPerBeat) continue;
        beat = 0;
        await pause();
      }
    },
  };
}

function rememberedIn<T extends object>(known: WeakMap<T, number>, estimate: (one: T) => number): (one: T) => number {
  return (one) => {
    let tokens = known.get(one);
    if (tokens === undefined) {
      tokens = estimate(one);
      known.set(one, tokens);
    }
    return tokens;
  };
}

export function toolTokens(tools: readonly ToolSpec[]): number {
  return tools.reduce((tokens, tool) => tokens + specTokens(tool), 0);
}

function specTokens({ name, description, inputSchema }: ToolSpec): number {
  return callOverheadTokens + textTokens(name) + textTokens(description) + jsonTokens(inputSchema);
}

function contentTokens(message: ModelMessage): number {
  switch (message.role) {
    case "user":
      return sum(message.content, userTokens);
    case "assistant":
      return sum(message.content, assistantTokens);
    case "tool":
      return sum(message.results, resultTokens);
  }
}

function sum<T>(parts: readonly T[], of: (part: T) => number): number {
  return parts.reduce((tokens, part) => tokens + of(part), 0);
}

function userTokens(part: UserContent): number {
  return part.type === "text" ? textTokens(part.text) : attachmentTokens(part.attachment);
}

function assistantTokens(part: AssistantContent): number {
  if (part.type === "tool-call") return callOverheadTokens + textTokens(part.tool) + jsonTokens(part.input);
  // A sealed thought travels as its seal.
  return textTokens(part.text) + (part.type === "thinking" ? textTokens(part.signature ?? "") : 0);
}

function resultTokens({ output }: ToolResult): number {
  return callOverheadTokens + textTokens(output);
}

function jsonTokens(value: unknown): number {
  return textTokens(JSON.stringify(value) ?? "");
}

export function attachmentTokens(attachment: Attachment): number {
  // Without bytes or an address it travels as a note of a line.
  if (attachment.data === undefined && attachment.url === undefined) return 60;
  if (attachment.type !== "document") return imageTokens;
  const bytes = attachment.sizeBytes ?? (attachment.data?.length ?? 0) * 0.75;
  return Math.min(documentTokens.most, Math.max(documentTokens.least, Math.ceil(bytes / documentBytesPerToken)));
}

/** Kinds of writing. A change of kind ends a run, as it ends a token in every vocabulary. */
type Kind = "lower" | "upper" | "digit" | "mark" | "space" | "line" | "other";

/**
 * Latin words of up to six letters are one token in any vocabulary; longer ones and made-up ones are several. Case that
 * changes within a word, digits and marks split: that is why code and base64 are dear.
 */
export function textTokens(text: string): number {
  let tokens = 0;
  let kind: Kind = "space";
  let run = 0;
  let glued = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const next = kindOf(code);
    if (next === "other") {
      tokens += runTokens(kind, run) + wideTokens(code);
      kind = "other";
      run = 0;
    } else if (next === kind || (next === "lower" && kind === "upper" && run === 1)) {
      // The same kind goes on, or a word behind its capital.
      kind = next;
      run += 1;
    } else {
      tokens += runTokens(kind, run);
      if (isWordy(kind) && isWordy(next)) glued += 1;
      // A space in front of a number is a token of its own; one in front of a word is part of it.
      if (next === "digit" && kind === "space" && run === 1) tokens += 1;
      kind = next;
      run = 1;
    }
  }
  return Math.ceil((tokens + runTokens(kind, run) + glued * gluedTokens) * margin);
}

/** Letters right behind digits, or another case: no vocabulary has such a word, and it falls to pieces. */
const gluedTokens = 0.35;
/** On the safe side of what was measured. */
const margin = 1.03;

function isWordy(kind: Kind): boolean {
  return kind === "lower" || kind === "upper" || kind === "digit";
}

function kindOf(code: number): Kind {
  if (code >= 0x61 && code <= 0x7a) return "lower";
  if (code === 0x20) return "space";
  if (code >= 0x41 && code <= 0x5a) return "upper";
  if (code >= 0x30 && code <= 0x39) return "digit";
  if (code === 0x0a || code === 0x0d || code === 0x09) return "line";
  return code < 0x80 ? "mark" : "other";
}

function runTokens(kind: Kind, run: number): number {
  if (run === 0) return 0;
  switch (kind) {
    case "lower":
      return run <= 6 ? 1 : 1 + (run - 6) / 3;
    case "upper":
      return run <= 2 ? 1 : 1 + (run - 2) / 2;
    case "digit":
      return Math.ceil(run / 3);
    case "mark":
      return run === 1 ? 0.9 : 0.9 + (run - 1) * 0.25;
    case "space":
      // One space belongs to the word behind it; an indentation is a token.
      return run === 1 ? 0 : 1 + run / 32;
    case "line":
      return 1 + (run - 1) / 4;
    case "other":
      return 0;
  }
}

/** By UTF-16 unit: half of a character outside the basic plane. */
function wideTokens(code: number): number {
  // Accented Latin: mostly within a word, which it breaks.
  if (code < 0x250) return 1.15;
  // Greek, Cyrillic, Armenian.
  if (code < 0x400) return 0.8;
  if (code < 0x590) return 0.5;
  // Hebrew, Arabic.
  if (code < 0x780) return 0.9;
  // General punctuation, arrows, mathematical signs.
  if (code >= 0x2000 && code < 0x2e80) return 1.3;
  // Japanese syllables.
  if (code >= 0x3040 && code < 0x3100) return 1.05;
  // Surrogates: emoji, mostly, at three tokens each.
  if (code >= 0xd800 && code < 0xe000) return 1.6;
  return 1.25;
}
