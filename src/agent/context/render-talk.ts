/** A piece of conversation as text, for a model that is to sum it up. Long results are shortened: it reads for facts. */
import type { AssistantContent, ModelMessage } from "../../domain/conversation.ts";
import { attachmentNote } from "../../providers/attachment-note.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import { cutToChars } from "./cut-text.ts";

const chars = { said: 8_000, result: 2_000, call: 600 };

/** Every line behind a mark: nothing that somebody wrote can pass for the end of the quotation. */
export function renderMessage(message: ModelMessage, model: ModelInfo): string {
  return linesOf(message, model)
    .map((text) => `| ${text.replaceAll("\n", "\n|   ")}`)
    .join("\n");
}

function linesOf(message: ModelMessage, model: ModelInfo): string[] {
  switch (message.role) {
    case "user":
      return message.content.map((part) =>
        part.type === "text"
          ? `User: ${short(part.text, chars.said)}`
          : `User: ${attachmentNote(part.attachment, model)}`,
      );
    case "assistant":
      return message.content.flatMap(assistantLine);
    case "tool":
      return message.results.map(
        ({ tool, output, isError }) => `Result of ${tool}${isError ? " (failed)" : ""}: ${short(output, chars.result)}`,
      );
  }
}

function assistantLine(part: AssistantContent): string[] {
  switch (part.type) {
    case "text":
      return [`Assistant: ${short(part.text, chars.said)}`];
    case "tool-call":
      return [`Assistant uses ${part.tool}: ${short(JSON.stringify(part.input ?? null), chars.call)}`];
    case "thinking":
      return [];
  }
}

function short(text: string, keepChars: number): string {
  return cutToChars(text, keepChars, "too long to quote");
}
