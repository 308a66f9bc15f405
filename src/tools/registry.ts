/** Names every built-in tool. The one place that does. */
import type { Tool } from "./contract.ts";
import { fileTools, type FileToolDeps } from "./file-tools.ts";
import { timeTool } from "./time/index.ts";

/** What the tools need of the house; each part of it belongs to the tools that name it. */
export interface ToolDeps {
  readonly files: FileToolDeps;
}

/** In the order the model sees them. Each input is checked by its own schema before `run`, so the types may be put aside here. */
export function createTools({ files }: ToolDeps): readonly Tool[] {
  return [...builtInTools(), ...fileTools(files)];
}

/** Those that need nothing of the house. */
export function builtInTools(): readonly Tool[] {
  return [timeTool as Tool];
}
