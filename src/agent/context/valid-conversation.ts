/**
 * Makes a conversation that every provider takes, whatever a crash, an import, a reset or a caller left behind. Checked
 * when a request is put together and never when something is written: the transcript keeps what happened.
 *
 * The form is the strictest of all protocols at once: it begins with the user and ends with the user or with results;
 * user and assistant alternate; the calls of a message stand last in it, each with an id of its own, and the message
 * behind holds exactly one result for each, in their order; nothing is empty. Deterministic, and the same again when
 * applied again, so that a provider's prompt cache stays warm. Messages that were valid keep their identity.
 */
import { createHash } from "node:crypto";
import type { AssistantContent, ModelInfo, ModelMessage, ToolResult, UserContent } from "../../domain/conversation.ts";
import { attachmentNote } from "../../providers/attachment-note.ts";
import type { RepairKind } from "./contract.ts";

export interface ValidConversation {
  readonly messages: readonly ModelMessage[];
  readonly repairs: Readonly<Partial<Record<RepairKind, number>>>;
}

export function validConversation(messages: readonly ModelMessage[], model: ModelInfo): ValidConversation {
  const repairs: Partial<Record<RepairKind, number>> = {};
  const note: Note = (kind, times = 1) => {
    repairs[kind] = (repairs[kind] ?? 0) + times;
  };
  const joined = joinNeighbours(cleaned(messages, model, note), note);
  const paired = pairCalls(joined, note);
  // What lost its calls or results may have brought two of a kind together.
  return { messages: framed(joinNeighbours(paired, note), note), repairs };
}

type Note = (kind: RepairKind, times?: number) => void;
type UserMessage = Extract<ModelMessage, { role: "user" }>;
type AssistantMessage = Extract<ModelMessage, { role: "assistant" }>;
type ToolMessage = Extract<ModelMessage, { role: "tool" }>;

// ---------------------------------------------------------------- each message by itself

function cleaned(messages: readonly ModelMessage[], model: ModelInfo, note: Note): ModelMessage[] {
  return messages.flatMap((message) => {
    const clean = cleanMessage(message, model, note);
    if (clean === null) note("empty-message");
    return clean === null ? [] : [clean];
  });
}

function cleanMessage(message: ModelMessage, model: ModelInfo, note: Note): ModelMessage | null {
  switch (message.role) {
    case "user":
      return cleanUser(message, model, note);
    case "assistant":
      return cleanAssistant(message, note);
    case "tool":
      return cleanResults(message);
  }
}

function cleanUser(message: UserMessage, model: ModelInfo, note: Note): UserMessage | null {
  const content = message.content.flatMap((part): UserContent[] => {
    if (part.type === "text") return cleanText(part);
    const { attachment } = part;
    if (attachment.data !== undefined || attachment.url !== undefined) return [part];
    // Its bytes are gone, or were never kept: said in its place, or the words about it would hang in the air.
    note("noted-file");
    return [{ type: "text", text: attachmentNote(attachment, model) }];
  });
  if (content.length === 0) return null;
  return same(content, message.content) ? message : { role: "user", content };
}

function cleanAssistant(message: AssistantMessage, note: Note): AssistantMessage | null {
  const kept: AssistantContent[] = [];
  for (const part of message.content) {
    if (part.type === "text") kept.push(...cleanText(part));
    else if (part.type === "tool-call") kept.push(part);
    // Without its seal no provider takes a thought back.
    else if (part.signature === undefined || part.signature === "") note("dropped-thought");
    else kept.push(part);
  }
  const content = callsLast(withoutLastThoughts(kept, note));
  if (content.length === 0) return null;
  return same(content, message.content) ? message : { role: "assistant", content };
}

/** A message may not end with a thought: what it led to is missing. */
function withoutLastThoughts(content: readonly AssistantContent[], note: Note): readonly AssistantContent[] {
  const last = content.findLastIndex((part) => part.type !== "thinking");
  if (last === content.length - 1) return content;
  note("dropped-thought", content.length - 1 - last);
  return content.slice(0, last + 1);
}

/** Results follow right behind the calls. A sealed thought goes with the call that it stands in front of. */
function callsLast(content: readonly AssistantContent[]): readonly AssistantContent[] {
  const firstCall = content.findIndex((part) => part.type === "tool-call");
  if (firstCall === -1 || !content.slice(firstCall).some((part) => part.type === "text")) return content;
  const words: AssistantContent[] = [];
  const calls: AssistantContent[] = [];
  let thoughts: AssistantContent[] = [];
  for (const part of content) {
    if (part.type === "thinking") thoughts.push(part);
    else {
      (part.type === "text" ? words : calls).push(...thoughts, part);
      thoughts = [];
    }
  }
  return [...words, ...calls];
}

function cleanResults(message: ToolMessage): ToolMessage | null {
  if (message.results.length === 0) return null;
  const results = message.results.map((result) => {
    const output = wellFormed(result.output);
    if (output.trim() === "") return { ...result, output: "(no output)" };
    return output === result.output ? result : { ...result, output };
  });
  return same(results, message.results) ? message : { role: "tool", results };
}

function cleanText<T extends { readonly type: "text"; readonly text: string }>(part: T): T[] {
  const text = wellFormed(part.text);
  if (text.trim() === "") return [];
  return [text === part.text ? part : { ...part, text }];
}

/** Half of a pair is no text for a strict parser: a cut may have made one. */
function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}

function same(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((part, index) => part === right[index]);
}

// ---------------------------------------------------------------- neighbours

/** Two messages of the same role are one: several protocols know no second in a row. */
function joinNeighbours(messages: readonly ModelMessage[], note: Note): ModelMessage[] {
  const joined: ModelMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    const both = last === undefined ? null : join(last, message);
    if (both === null) joined.push(message);
    else {
      note("merged");
      joined[joined.length - 1] = both;
    }
  }
  return joined;
}

function join(first: ModelMessage, second: ModelMessage): ModelMessage | null {
  if (first.role === "user" && second.role === "user")
    return { role: "user", content: [...first.content, ...second.content] };
  if (first.role === "tool" && second.role === "tool")
    return { role: "tool", results: [...first.results, ...second.results] };
  if (first.role !== "assistant" || second.role !== "assistant") return null;
  // A thought is valid at the head of its own message; in the middle of another it is not, but for a call's seal.
  const content = [...sealsOfCalls(first.content), ...sealsOfCalls(second.content)];
  return { role: "assistant", content: callsLast(content) };
}

function sealsOfCalls(content: readonly AssistantContent[]): readonly AssistantContent[] {
  return content.filter((part, index) => {
    if (part.type !== "thinking") return true;
    return content.slice(index).find((next) => next.type !== "thinking")?.type === "tool-call";
  });
}

// ---------------------------------------------------------------- calls and results

function pairCalls(messages: readonly ModelMessage[], note: Note): ModelMessage[] {
  const valid: ModelMessage[] = [];
  const taken = new Set<string>();
  for (const [index, message] of messages.entries()) {
    if (message.role === "user") valid.push(message);
    else if (message.role === "tool") {
      // Those behind their calls are taken with them.
      if (messages[index - 1]?.role !== "assistant") note("unpaired-result", message.results.length);
    } else {
      const next = messages[index + 1];
      valid.push(...exchange(message, next?.role === "tool" ? next : null, { taken, note }));
    }
  }
  return valid;
}

interface Pairing {
  /** Ids of calls so far, as they will travel. */
  readonly taken: Set<string>;
  readonly note: Note;
}

function exchange(message: AssistantMessage, answer: ToolMessage | null, { taken, note }: Pairing): ModelMessage[] {
  const open = [...(answer?.results ?? [])];
  const results: ToolResult[] = [];
  const content = message.content.flatMap((part): AssistantContent[] => {
    if (part.type !== "tool-call") return [part];
    const found = open.findIndex((result) => result.callId === part.callId);
    const [result] = found === -1 ? [] : open.splice(found, 1);
    if (result === undefined) {
      note("unpaired-call");
      return [];
    }
    const callId = freeId(part.callId, taken);
    if (callId !== part.callId) note("renamed-call");
    const tool = plainName(part.tool);
    results.push(result.callId === callId && result.tool === tool ? result : { ...result, callId, tool });
    return [part.callId === callId && part.tool === tool ? part : { ...part, callId, tool }];
  });
  if (open.length > 0) note("unpaired-result", open.length);
  const kept = withoutLastThoughts(content, note);
  if (kept.length === 0) {
    note("empty-message");
    return [];
  }
  const said: ModelMessage = same(kept, message.content) ? message : { role: "assistant", content: kept };
  if (results.length === 0) return [said];
  return [said, answer !== null && same(results, answer.results) ? answer : { role: "tool", results }];
}

/** What every protocol takes as the id of a call. */
const plainId = /^[A-Za-z0-9_-]{1,40}$/;

/** The id itself where it is plain and free; else one that follows from it, so that it is the same every time. */
function freeId(callId: string, taken: Set<string>): string {
  const plain = plainId.test(callId) ? callId : `call_${hash(callId)}`;
  let free = plain;
  for (let again = 2; taken.has(free); again += 1) free = `call_${hash(`${plain}#${again}`)}`;
  taken.add(free);
  return free;
}

/** A name that a provider would refuse in a list of tools is refused in a call as well: imports have such. */
function plainName(tool: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(tool)) return tool;
  const plain = tool.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 64);
  return plain === "" ? "unknown" : plain;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}

// ---------------------------------------------------------------- both ends

const placeholders = Object.freeze({
  beginning: "[The assistant speaks first.]",
  ending: "[Please go on.]",
  nothing: "(empty message)",
});

function userSays(text: string): ModelMessage {
  return { role: "user", content: [{ type: "text", text }] };
}

function framed(messages: readonly ModelMessage[], note: Note): readonly ModelMessage[] {
  if (messages.length === 0) {
    note("framed");
    return [userSays(placeholders.nothing)];
  }
  const before = messages[0]?.role === "user" ? [] : [userSays(placeholders.beginning)];
  // An assistant's message at the end is the beginning of the answer, for those that take one: here nobody means that.
  const behind = messages.at(-1)?.role === "assistant" ? [userSays(placeholders.ending)] : [];
  if (before.length + behind.length === 0) return messages;
  note("framed", before.length + behind.length);
  return [...before, ...messages, ...behind];
}
