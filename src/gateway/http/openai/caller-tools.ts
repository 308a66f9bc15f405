/** What both OpenAI-style bodies say about tools and thinking, checked once. */
import { z } from "zod";
import { AppError } from "../../../domain/app-error.ts";
import type { ToolChoice, ToolSpec } from "../../../domain/conversation.ts";

export const toolName = z.string().regex(/^[\w-]{1,64}$/, "A tool's name has 1 to 64 letters, digits, _ or -.");

/** A JSON Schema, passed on as it is. */
export const jsonSchema = z.record(z.string(), z.unknown());

export const reasoningEffort = z.enum(["none", "minimal", "low", "medium", "high", "xhigh"]);

/** The level's name in this house. */
export function thinkingOf(effort: z.output<typeof reasoningEffort> | undefined): string | undefined {
  return effort === "none" ? "off" : effort;
}

/** Throws RPC_003 for two tools of one name, or a choice that names none of them. */
export function checkTools(tools: readonly ToolSpec[], choice: ToolChoice | undefined): void {
  const names = new Set(tools.map((tool) => tool.name));
  if (names.size !== tools.length) throw invalid("Two tools have the same name.", "tools");
  if (choice === undefined || choice === "auto" || choice === "none") return;
  if (choice === "required") {
    if (names.size === 0) throw invalid("A tool must be called, but none was sent.", "tool_choice");
    return;
  }
  if (!names.has(choice.tool)) throw invalid(`The tool ${JSON.stringify(choice.tool)} was not sent.`, "tool_choice");
}

function invalid(message: string, param: string): AppError {
  return new AppError("RPC_003", message, { details: { param } });
}
