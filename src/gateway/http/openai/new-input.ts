/**
 * Splits a conversation as a caller tells it: what was said before, and what is new. New is only what follows the
 * assistant's last word. What the caller claims the assistant or a tool said before is material, never state.
 */
import { AppError } from "../../../domain/app-error.ts";
import type { ModelMessage, ToolResult, UserContent } from "../../../domain/conversation.ts";
import type { Content } from "../../../domain/message.ts";
import type { TurnOptions } from "../../../agent/turn-options.ts";

export interface Said {
  readonly history: readonly ModelMessage[];
  /** The message as it goes through the door. */
  readonly content: readonly Content[];
  /** Set where the message alone does not say it all. */
  readonly input: readonly ModelMessage[] | null;
}

/** Throws RPC_003 where nothing is new. */
export function splitConversation(conversation: readonly ModelMessage[], param: string): Said {
  const merged = mergeToolResults(conversation);
  const start = merged.findLastIndex((message) => message.role === "assistant") + 1;
  const tail = merged.slice(start);
  if (tail.length === 0) {
    const message = "The last message must come from the user or a tool; there is nothing to answer.";
    throw new AppError("RPC_003", message, { details: { param } });
  }
  const parts = tail.flatMap((message) => (message.role === "user" ? message.content : []));
  const isPlain = tail.every((message) => message.role === "user") && !hasTextBehindFile(parts);
  return {
    history: merged.slice(0, start),
    content: parts.map(contentOf),
    input: isPlain ? null : tail,
  };
}

/** What a stateless call says is the whole history; a session has its own. */
export function saidOptions(said: Said, ephemeral: boolean): Pick<TurnOptions, "history" | "input"> {
  return { ...(ephemeral ? { history: said.history } : {}), ...(said.input === null ? {} : { input: said.input }) };
}

/** Results of one round of calls stand together: providers refuse them apart. */
function mergeToolResults(conversation: readonly ModelMessage[]): ModelMessage[] {
  const merged: ModelMessage[] = [];
  const names = new Map<string, string>();
  for (const message of conversation) {
    if (message.role === "assistant") {
      for (const part of message.content) if (part.type === "tool-call") names.set(part.callId, part.tool);
    }
    const last = merged.at(-1);
    if (message.role !== "tool") merged.push(message);
    else {
      const results = message.results.map((result): ToolResult => ({
        ...result,
        tool: names.get(result.callId) ?? result.tool,
      }));
      if (last?.role === "tool") merged[merged.length - 1] = { role: "tool", results: [...last.results, ...results] };
      else merged.push({ role: "tool", results });
    }
  }
  return merged;
}

function hasTextBehindFile(parts: readonly UserContent[]): boolean {
  const firstFile = parts.findIndex((part) => part.type === "file");
  return firstFile !== -1 && parts.slice(firstFile).some((part) => part.type === "text");
}

function contentOf(part: UserContent): Content {
  if (part.type === "text") return { type: "text", text: part.text };
  const { attachment } = part;
  return { type: attachment.type === "sticker" ? "image" : attachment.type, attachments: [attachment] };
}
