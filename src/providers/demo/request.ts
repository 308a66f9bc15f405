/** What a request asks of the demo model: read by rule, in English, generously. Pure. */
import type { ModelMessage, ToolResult } from "../../domain/conversation.ts";
import type { ModelRequest } from "../contract.ts";

export type DemoQuestion =
  | { readonly kind: "tool-result"; readonly result: ToolResult }
  | { readonly kind: "time"; readonly zone: string | undefined }
  | { readonly kind: "greeting" }
  | { readonly kind: "setup" }
  | { readonly kind: "echo"; readonly text: string }
  | { readonly kind: "other"; readonly text: string };

export function questionOf(request: ModelRequest): DemoQuestion {
  const last = request.messages.at(-1);
  const result = last?.role === "tool" ? last.results.at(-1) : undefined;
  if (result !== undefined) return { kind: "tool-result", result };
  const text = last?.role === "user" ? textOf(last) : "";
  const echo = /^\s*(?:echo|say|repeat)\b[:,]?\s+(.+)$/is.exec(text);
  if (echo?.[1] !== undefined) return { kind: "echo", text: echo[1] };
  if (/\b(what(?:'s| is)? (?:the )?(?:time|date|day)|what time|current time|how late|today's date)\b/i.test(text))
    return { kind: "time", zone: zoneIn(text) };
  if (/\b(set ?up|configur\w*|real model|api key|provider|help|who are you|what can you)\b/i.test(text))
    return { kind: "setup" };
  if (/^\s*(hi|hello|hey|hallo|good (?:morning|evening|afternoon|day)|ping)\b/i.test(text)) return { kind: "greeting" };
  return { kind: "other", text };
}

/** True until the demo model has said something in this conversation. */
export function isFirstAnswer(request: ModelRequest): boolean {
  return !request.messages.some(
    (message) =>
      message.role === "assistant" && message.content.some((part) => part.type === "text" && part.text !== ""),
  );
}

function textOf(message: Extract<ModelMessage, { role: "user" }>): string {
  return message.content
    .map((part) => (part.type === "text" ? part.text : ""))
    .join("\n")
    .trim();
}

/** `in Europe/Vienna`, `in UTC`. */
function zoneIn(text: string): string | undefined {
  return /\bin ([A-Z][A-Za-z_]+\/[A-Za-z_/]+|UTC)\b/.exec(text)?.[1];
}
