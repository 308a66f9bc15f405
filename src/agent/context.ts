/**
 * What a model call is given: system prompt, the conversation so far, this message, the tools. History is checked
 * when it is put together, never when it was written: whatever a crash left behind, the request is valid.
 */
import type { ModelMessage } from "../domain/conversation.ts";

/** Rough and high, which is the safe side: three characters a token. The provider's count corrects it afterwards. */
const charsPerToken = 3;

/** The share of the context window that history may fill; the rest is for the answer and the tools. */
const historyShare = 0.7;

/**
 * Makes a conversation that any provider accepts: every tool call has its result and every result its call,
 * it begins with the user, and it fits `contextWindow` (oldest exchanges go first, whole).
 */
export function fitHistory(messages: readonly ModelMessage[], contextWindow: number | null): ModelMessage[] {
  const paired = pairToolCalls(messages);
  const budgetChars = (contextWindow ?? 128_000) * historyShare * charsPerToken;
  let start = paired.length;
  let usedChars = 0;
  // Walks back from the newest; a cut is only made in front of a user's message, so that no exchange is halved.
  for (let index = paired.length - 1; index >= 0; index -= 1) {
    const message = paired[index] as ModelMessage;
    usedChars += messageChars(message);
    if (usedChars > budgetChars) break;
    if (message.role === "user") start = index;
  }
  // What was just said is asked in any case: if it alone is too large, the provider says so in its own words.
  return paired.slice(Math.min(start, lastUserIndex(paired)));
}

function lastUserIndex(messages: readonly ModelMessage[]): number {
  const index = messages.findLastIndex((message) => message.role === "user");
  return index === -1 ? messages.length : index;
}

/** Drops calls without a result and results without a call: what an interrupted turn leaves behind. */
export function pairToolCalls(messages: readonly ModelMessage[]): ModelMessage[] {
  const valid: ModelMessage[] = [];
  for (let index = 0; index < messages.length; index += 1) {
    const message = messages[index] as ModelMessage;
    if (message.role === "tool") continue;
    if (message.role === "user") {
      valid.push(message);
      continue;
    }
    const next = messages[index + 1];
    const results = next?.role === "tool" ? next.results : [];
    pushExchange(valid, message, results);
  }
  return valid;
}

type AssistantMessage = Extract<ModelMessage, { role: "assistant" }>;
type ToolMessage = Extract<ModelMessage, { role: "tool" }>;

function pushExchange(valid: ModelMessage[], message: AssistantMessage, results: ToolMessage["results"]): void {
  const calls = message.content.filter((part) => part.type === "tool-call");
  const answered = new Set(results.map((result) => result.callId));
  const content = message.content.filter((part) => part.type !== "tool-call" || answered.has(part.callId));
  if (content.some((part) => part.type !== "thinking")) valid.push({ role: "assistant", content });
  const known = new Set(calls.map((call) => call.callId));
  const kept = results.filter((result) => known.has(result.callId));
  if (kept.length > 0) valid.push({ role: "tool", results: kept });
}

function messageChars(message: ModelMessage): number {
  switch (message.role) {
    case "user":
      // A file counts as a fixed amount: its bytes are not its tokens.
      return message.content.reduce((chars, part) => chars + (part.type === "text" ? part.text.length : 4_000), 0);
    case "assistant":
      return message.content.reduce(
        (chars, part) =>
          chars + (part.type === "tool-call" ? JSON.stringify(part.input).length + 50 : part.text.length),
        0,
      );
    case "tool":
      return message.results.reduce((chars, result) => chars + result.output.length + 50, 0);
  }
}

/** Tokens of a text by the same rough measure, for providers that report no usage. */
export function estimateTokens(chars: number): number {
  return Math.ceil(chars / charsPerToken);
}

export function conversationChars(messages: readonly ModelMessage[]): number {
  return messages.reduce((chars, message) => chars + messageChars(message), 0);
}
