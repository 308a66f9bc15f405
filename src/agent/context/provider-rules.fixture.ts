/**
 * What each protocol asks of a conversation, from its documentation and its error messages, written down apart from the
 * code that is to keep it. Each returns what it would refuse, in words; nothing where it would answer.
 */
import type { ModelMessage } from "../../domain/conversation.ts";

type Rules = (messages: readonly ModelMessage[]) => string[];

export const providerRules: Readonly<Record<"openai" | "anthropic" | "gemini" | "bedrock", Rules>> = {
  openai,
  anthropic,
  gemini,
  bedrock,
};

/** Every refusal of every protocol. */
export function refusals(messages: readonly ModelMessage[]): string[] {
  return Object.entries(providerRules).flatMap(([name, rules]) => rules(messages).map((what) => `${name}: ${what}`));
}

// ---------------------------------------------------------------- chat completions

function openai(messages: readonly ModelMessage[]): string[] {
  const found: string[] = [];
  let open: string[] = [];
  const ids = new Set<string>();
  if (messages.length === 0) found.push("no messages");
  for (const message of messages) {
    if (message.role === "tool") {
      for (const { callId } of message.results) {
        if (!open.includes(callId)) found.push("tool message without a preceding tool_calls");
        open = open.filter((id) => id !== callId);
      }
      if (message.results.length === 0) found.push("tool message of nothing");
      continue;
    }
    if (open.length > 0) found.push("tool_call_ids did not have response messages");
    open = [];
    if (message.role === "user") {
      if (message.content.length === 0) found.push("user without content");
      if (message.content.some((part) => part.type === "text" && part.text === "")) found.push("empty text part");
      continue;
    }
    const calls = message.content.flatMap((part) => (part.type === "tool-call" ? [part] : []));
    const text = message.content.map((part) => (part.type === "text" ? part.text : "")).join("");
    if (text === "" && calls.length === 0) found.push("assistant without content and tool_calls");
    for (const { callId, tool } of calls) {
      if (callId.length > 40 || callId === "") found.push("tool_call id of a wrong length");
      if (!/^[a-zA-Z0-9_-]{1,64}$/.test(tool)) found.push("function name of a wrong form");
      if (ids.has(callId)) found.push("duplicate tool_call id");
      ids.add(callId);
      open.push(callId);
    }
  }
  if (open.length > 0) found.push("tool_call_ids did not have response messages at the end");
  return found;
}

// ---------------------------------------------------------------- blocks of two roles: Anthropic and Bedrock

type Block =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "file" }
  | { readonly kind: "thinking"; readonly signature: string | undefined }
  | { readonly kind: "use"; readonly id: string; readonly name: string }
  | { readonly kind: "result"; readonly id: string; readonly text: string };

interface Turn {
  readonly role: "user" | "assistant";
  readonly blocks: readonly Block[];
}

/** Results travel as the user's, and a user's message behind them joins them; a second answer in a row joins nothing. */
function turnsOf(messages: readonly ModelMessage[]): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    const role = message.role === "assistant" ? "assistant" : "user";
    const last = turns.at(-1);
    const blocks = blocksOf(message);
    if (last?.role === "user" && role === "user" && last.blocks.some(({ kind }) => kind === "result")) {
      turns[turns.length - 1] = { role, blocks: [...last.blocks, ...blocks] };
    } else turns.push({ role, blocks });
  }
  return turns;
}

function blocksOf(message: ModelMessage): Block[] {
  switch (message.role) {
    case "user":
      return message.content.map((part) =>
        part.type === "text" ? { kind: "text", text: part.text } : { kind: "file" },
      );
    case "tool":
      return message.results.map(({ callId, output }) => ({ kind: "result", id: callId, text: output }));
    case "assistant":
      return message.content.map((part): Block => {
        if (part.type === "text") return { kind: "text", text: part.text };
        if (part.type === "thinking") return { kind: "thinking", signature: part.signature };
        return { kind: "use", id: part.callId, name: part.tool };
      });
  }
}

function pairFaults(turns: readonly Turn[]): string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  turns.forEach((turn, index) => {
    const uses = turn.blocks.flatMap((block) => (block.kind === "use" ? [block.id] : []));
    const results = turn.blocks.flatMap((block) => (block.kind === "result" ? [block.id] : []));
    const answered = (turns[index + 1]?.blocks ?? []).flatMap((block) => (block.kind === "result" ? [block.id] : []));
    const asked = (turns[index - 1]?.blocks ?? []).flatMap((block) => (block.kind === "use" ? [block.id] : []));
    if (uses.some((id) => answered.filter((other) => other === id).length !== 1)) found.push("use without one result");
    if (results.some((id) => !asked.includes(id))) found.push("result without a use right before");
    if (uses.some((id) => seen.has(id)) || new Set(uses).size !== uses.length) found.push("use ids must be unique");
    for (const id of uses) seen.add(id);
    const firstUse = turn.blocks.findIndex(({ kind }) => kind === "use");
    if (firstUse !== -1 && turn.blocks.slice(firstUse).some(({ kind }) => kind === "text"))
      found.push("nothing is said behind a use");
    const firstOther = turn.blocks.findIndex(({ kind }) => kind !== "result");
    if (firstOther !== -1 && turn.blocks.slice(firstOther).some(({ kind }) => kind === "result"))
      found.push("results must come first");
  });
  return found;
}

function roleFaults(turns: readonly Turn[]): string[] {
  const found: string[] = [];
  if (turns[0]?.role !== "user") found.push("first message must be the user's");
  if (turns.at(-1)?.role !== "user") found.push("this model does not support assistant prefill");
  if (turns.some((turn, index) => turn.role === turns[index - 1]?.role)) found.push("roles must alternate");
  if (turns.some(({ blocks }) => blocks.length === 0)) found.push("messages must have non-empty content");
  return found;
}

function anthropic(messages: readonly ModelMessage[]): string[] {
  const turns = turnsOf(messages);
  const blocks = turns.flatMap((turn) => turn.blocks);
  const found = [...roleFaults(turns), ...pairFaults(turns)];
  if (blocks.some((block) => block.kind === "text" && block.text.trim() === ""))
    found.push("text content blocks must contain non-whitespace text");
  if (blocks.some((block) => block.kind === "thinking" && (block.signature ?? "") === ""))
    found.push("thinking.signature: field required");
  if (turns.some((turn) => turn.role === "assistant" && turn.blocks.at(-1)?.kind === "thinking"))
    found.push("the final block in an assistant message cannot be thinking");
  if (blocks.some((block) => block.kind === "use" && !/^[a-zA-Z0-9_-]+$/.test(block.id)))
    found.push("tool_use.id pattern");
  if (!JSON.stringify(messages).isWellFormed() || blocks.some((block) => "text" in block && !block.text.isWellFormed()))
    found.push("no low surrogate in string");
  return found;
}

function bedrock(messages: readonly ModelMessage[]): string[] {
  const turns = turnsOf(messages);
  const blocks = turns.flatMap((turn) => turn.blocks);
  const found = [...roleFaults(turns), ...pairFaults(turns)];
  if (blocks.some((block) => "text" in block && block.text.trim() === "")) found.push("the text field is blank");
  if (blocks.some((block) => block.kind === "use" && !/^[a-zA-Z0-9_-]{1,64}$/.test(block.id)))
    found.push("toolUseId pattern");
  if (blocks.some((block) => block.kind === "use" && !/^[a-zA-Z0-9_-]{1,64}$/.test(block.name)))
    found.push("name pattern");
  turns.forEach(({ blocks: own }, index) => {
    const uses = own.filter(({ kind }) => kind === "use").length;
    const results = (turns[index + 1]?.blocks ?? []).filter(({ kind }) => kind === "result").length;
    if (uses !== results) found.push("the number of toolResult blocks exceeds or misses the number of toolUse blocks");
  });
  return found;
}

// ---------------------------------------------------------------- Gemini

function gemini(messages: readonly ModelMessage[]): string[] {
  const found: string[] = [];
  if (messages[0]?.role !== "user") found.push("contents must begin with the user");
  if (messages.at(-1)?.role === "assistant") found.push("requests ending with a model turn are refused");
  messages.forEach((message, index) => {
    const before = messages[index - 1];
    const next = messages[index + 1];
    if (message.role === "assistant") {
      if (before?.role === "assistant") found.push("a function call turn comes right after a user or a response turn");
      const calls = message.content.flatMap((part) => (part.type === "tool-call" ? [part.tool] : []));
      const answers = next?.role === "tool" ? next.results.map(({ tool }) => tool) : [];
      if (calls.length !== answers.length) found.push("the number of response parts must equal that of call parts");
      else if (calls.some((name, at) => name !== answers[at])) found.push("a response has another name than its call");
      if (message.content.length === 0) found.push("contents.parts must not be empty");
    }
    if (message.role === "tool" && before?.role !== "assistant")
      found.push("a response turn comes right after a call turn");
    if (message.role === "user" && message.content.length === 0) found.push("contents.parts must not be empty");
  });
  return found;
}
