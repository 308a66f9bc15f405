/** What is sent with every message before anybody has said a word: section by section and tool by tool, with its size. */
import type { ToolSpec } from "../../domain/conversation.ts";
import { promptSections, type PromptFacts } from "./system-prompt.ts";

export interface PromptReport {
  readonly sections: readonly { readonly name: string; readonly bytes: number; readonly text: string }[];
  readonly tools: readonly { readonly name: string; readonly bytes: number }[];
  /** Of all sections and tools, as UTF-8. */
  readonly totalBytes: number;
}

/** `tools` as they are offered: by the tier and by what the agent may do. */
export function promptReport(facts: Omit<PromptFacts, "toolNames">, tools: readonly ToolSpec[]): PromptReport {
  const sections = promptSections({ ...facts, toolNames: tools.map(({ name }) => name) }).map(({ name, text }) => ({
    name,
    bytes: Buffer.byteLength(text),
    text,
  }));
  const sized = tools.map((tool) => ({ name: tool.name, bytes: Buffer.byteLength(JSON.stringify(tool)) }));
  const totalBytes = [...sections, ...sized].reduce((sum, { bytes }) => sum + bytes, 0);
  return { sections, tools: sized, totalBytes };
}
