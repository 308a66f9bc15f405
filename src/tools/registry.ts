/** Names every built-in tool. The one place that does. */
import type { Memory } from "../memory/contract.ts";
import type { Tool } from "./contract.ts";
import { createMemoryForgetTool } from "./memory-forget/index.ts";
import { createMemoryGetTool } from "./memory-get/index.ts";
import { createMemorySaveTool } from "./memory-save/index.ts";
import { createMemorySearchTool } from "./memory-search/index.ts";
import { timeTool } from "./time/index.ts";

/** In the order the model sees them. Each input is checked by its own schema before `run`, so the types may be put aside here. */
export function builtInTools(): readonly Tool[] {
  return [timeTool as Tool];
}

/** What an agent can do with its memory. */
export function memoryTools(deps: { readonly memory: Memory }): readonly Tool[] {
  return [
    createMemorySearchTool(deps) as Tool,
    createMemoryGetTool(deps) as Tool,
    createMemorySaveTool(deps) as Tool,
    createMemoryForgetTool(deps) as Tool,
  ];
}
