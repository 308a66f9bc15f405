/** What an entry of a transcript counts as. Pure; the same rules stand as SQL in the recount. */
import type { TranscriptDraft } from "../../session-port.ts";
import type { Said } from "../commands/activity.ts";

/** Null for what is no message of a person, an assistant or a tool. Never throws: a body may hold anything. */
export function saidIn({ type, body }: Pick<TranscriptDraft, "type" | "body">): Said | null {
  if (type !== "message") return null;
  const message = objectOf(body["message"]);
  switch (message["role"]) {
    case "user":
      return { role: "user", calls: [], failed: false, tool: "" };
    case "assistant":
      return {
        role: "assistant",
        calls: callsIn(message["content"]),
        failed: message["stopReason"] === "error" || typeof message["errorMessage"] === "string",
        tool: "",
      };
    case "toolResult":
      return {
        role: "toolResult",
        calls: [],
        failed: message["isError"] === true,
        tool: toolName(message["toolName"]),
      };
    default:
      return null;
  }
}

function callsIn(content: unknown): string[] {
  if (!Array.isArray(content)) return [];
  return (content as unknown[])
    .map(objectOf)
    .filter((part) => part["type"] === "toolCall")
    .map((part) => toolName(part["name"]));
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** What a model calls a tool is the model's choice: no name that no tool can have makes a row of its own. */
function toolName(name: unknown): string {
  return typeof name === "string" && /^[A-Za-z0-9_.:/-]{1,128}$/.test(name) ? name : "(other)";
}
