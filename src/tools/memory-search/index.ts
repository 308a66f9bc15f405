/** Finds what the agent has noted. What it finds is words of files, or of whoever was quoted there. */
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import type { Memory, MemoryHit } from "../../memory/contract.ts";
import type { Tool, ToolOutput } from "../contract.ts";

const inputSchema = z.object({
  query: z.string().min(1).max(limits.memoryQueryChars),
  limit: z.number().int().min(1).max(limits.memoryResults).optional(),
});

type Input = z.infer<typeof inputSchema>;

export function createMemorySearchTool({ memory }: { readonly memory: Pick<Memory, "search"> }): Tool<Input> {
  return {
    name: "memory_search",
    description:
      "Search long-term memory: facts, preferences, decisions, notes. Use it for whatever may have been said before.",
    inputSchema,
    effect: "pure",
    plan: () => Promise.resolve({ kind: "memory", access: "read" }),
    async run({ query, limit }, { agentId, sessionKey, isGroup }) {
      const viewer = { agentId, sessionKey, isGroup };
      const { hits, notice } = await memory.search(query, viewer, limit === undefined ? {} : { limit });
      return answerOf(hits, notice);
    },
  };
}

function answerOf(hits: readonly MemoryHit[], notice: string | null): string | ToolOutput {
  const said = notice === null ? [] : [`(${notice})`];
  if (hits.length === 0) return ["Nothing of that is in the memory.", ...said].join("\n");
  const shown = hits.map(
    ({ path, startLine, endLine, score, text }) => `## ${path}:${startLine}-${endLine} (${score.toFixed(2)})\n${text}`,
  );
  const foreign = [...new Set(hits.flatMap((hit) => hit.foreign ?? []))];
  const paths = [...new Set(hits.map(({ path }) => path))];
  const text = [...shown, ...said].join("\n\n");
  if (foreign.length > 0) return { text, from: { class: "foreign", source: sourceOf(foreign.join("; ")) } };
  return { text, from: { class: "local", source: sourceOf(`memory ${paths.join(", ")}`) } };
}

function sourceOf(text: string): string {
  return text
    .replaceAll(/[\s\p{Cc}]+/gu, " ")
    .slice(0, longestSourceChars)
    .toWellFormed();
}

const longestSourceChars = 300;
