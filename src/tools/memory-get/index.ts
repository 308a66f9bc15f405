/** Reads lines of one file of the memory, looked up among those that there are. */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Memory } from "../../memory/contract.ts";
import type { Tool } from "../contract.ts";

const inputSchema = z.object({
  path: z.string().min(1).max(300),
  from: z.number().int().min(1).optional(),
  lines: z.number().int().min(1).max(limits.memoryLines).optional(),
});

type Input = z.infer<typeof inputSchema>;

export function createMemoryGetTool({ memory }: { readonly memory: Pick<Memory, "read"> }): Tool<Input> {
  return {
    name: "memory_get",
    description: "Read lines of a memory file that memory_search named.",
    inputSchema,
    effect: "pure",
    plan: () => Promise.resolve({ kind: "memory", access: "read" }),
    async run({ path, from = 1, lines = limits.memoryLines }, { agentId, sessionKey, isGroup }) {
      const viewer = { agentId, sessionKey, isGroup };
      const { text, foreign } = await memory.read(path, viewer, { from, count: lines }).catch(toModel);
      if (text.trim() === "") return "There is nothing in these lines that may be shown here.";
      const source = foreign.length > 0 ? foreign.join("; ") : `memory ${path}`;
      return { text, from: { class: foreign.length > 0 ? "foreign" : "local", source: source.slice(0, 300) } };
    },
  };
}

function toModel(thrown: unknown): never {
  const error = AppError.from(thrown);
  if (error.code !== "RPC_007") throw error;
  throw new AppError("RUN_003", `${error.message} Use a path that memory_search names.`, { cause: error });
}
