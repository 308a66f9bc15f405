/** Notes something for good. What foreign words led to it is written above the note, and stays with it. */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import type { Memory } from "../../memory/contract.ts";
import type { Tool } from "../contract.ts";

const inputSchema = z.object({
  text: z.string().min(1).describe("Understandable on its own, later"),
});

type Input = z.infer<typeof inputSchema>;

export function createMemorySaveTool({ memory }: { readonly memory: Pick<Memory, "save"> }): Tool<Input> {
  return {
    name: "memory_save",
    description: "Keep a lasting fact, preference or decision in long-term memory.",
    inputSchema,
    effect: "unsafe",
    plan: () => Promise.resolve({ kind: "memory", access: "write" }),
    async run({ text }, { agentId, sessionKey, isGroup, taint }) {
      const foreign = taint.filter((one) => one.class === "foreign").map(({ source }) => source);
      const saved = await memory.save(text, { agentId, sessionKey, isGroup }, { foreign }).catch(toModel);
      return `Noted in ${saved.path}, line ${saved.startLine}.`;
    },
  };
}

function toModel(thrown: unknown): never {
  const error = AppError.from(thrown);
  if (error.code !== "RPC_003" && error.code !== "MSG_003") throw error;
  throw new AppError("RUN_003", error.message, { cause: error });
}
