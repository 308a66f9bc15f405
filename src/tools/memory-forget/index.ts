/** Takes something out of the memory for good: the lines of the file and every trace in the index. */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import type { Memory } from "../../memory/contract.ts";
import type { Tool } from "../contract.ts";

const inputSchema = z.object({
  path: z.string().min(1).max(300),
  startLine: z.number().int().min(1),
  endLine: z.number().int().min(1),
  containing: z.string().min(1).max(2_000).describe("Some words that stand in these lines"),
});

type Input = z.infer<typeof inputSchema>;

export function createMemoryForgetTool({ memory }: { readonly memory: Pick<Memory, "forget"> }): Tool<Input> {
  return {
    name: "memory_forget",
    description: "Remove lines from long-term memory for good. Search first.",
    inputSchema,
    effect: "unsafe",
    plan: () => Promise.resolve({ kind: "memory", access: "write" }),
    async run(input, { agentId, sessionKey, isGroup }) {
      const pieces = await memory.forget(input, { agentId, sessionKey, isGroup }).catch(toModel);
      return `Forgotten: ${input.path}, lines ${input.startLine} to ${input.endLine} (${pieces} pieces of the index).`;
    },
  };
}

function toModel(thrown: unknown): never {
  const error = AppError.from(thrown);
  if (error.code !== "RPC_007") throw error;
  throw new AppError("RUN_003", error.message, { cause: error });
}
