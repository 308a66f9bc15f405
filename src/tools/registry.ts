/** Names every built-in tool. The one place that does. */
import type { Tool } from "./contract.ts";
import { timeTool } from "./time/index.ts";

/** In the order the model sees them. Each input is checked by its own schema before `run`, so the types may be put aside here. */
export function builtInTools(): readonly Tool[] {
  return [timeTool as Tool];
}
