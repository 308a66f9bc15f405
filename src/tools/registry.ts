/** Names every built-in tool. The one place that does. */
import type { Memory } from "../memory/contract.ts";
import type { Tool } from "./contract.ts";
import { createApplyPatchTool } from "./apply-patch/index.ts";
import { createEditTool } from "./edit/index.ts";
import { createExecTool, type ExecDeps } from "./exec/index.ts";
import { createFindTool } from "./find/index.ts";
import { createGrepTool } from "./grep/index.ts";
import { createLsTool } from "./ls/index.ts";
import { createProcessTool } from "./process/index.ts";
import { createReadTool } from "./read/index.ts";
import { createMemoryForgetTool } from "./memory-forget/index.ts";
import { createMemoryGetTool } from "./memory-get/index.ts";
import { createMemorySaveTool } from "./memory-save/index.ts";
import { createMemorySearchTool } from "./memory-search/index.ts";
import { createSkillTool, type SkillToolDeps } from "./skill/index.ts";
import { timeTool } from "./time/index.ts";
import type { Provenance } from "./workspace/provenance.ts";
import { createImageTool, type ImageToolDeps } from "./image/index.ts";
import { createWebFetchTool, type WebFetchDeps } from "./web-fetch/index.ts";
import { createWebSearchTool, type WebSearchDeps } from "./web-search/index.ts";
import { createWriteTool } from "./write/index.ts";

/** What the tools need of the house; each part of it belongs to the tools that name it. */
export interface ToolDeps {
  readonly files: FileToolDeps;
  readonly commands: ExecDeps;
  readonly web: WebToolDeps;
  /** Null where nothing is remembered. */
  readonly memory: { readonly memory: Memory } | null;
  readonly skills: SkillToolDeps;
}

export interface FileToolDeps {
  readonly provenance: Provenance;
}

export interface WebToolDeps {
  readonly fetch: WebFetchDeps;
  readonly search: WebSearchDeps;
  readonly image: ImageToolDeps;
}

/** In the order the model sees them. Each input is checked by its own schema before `run`, so the types may be put aside here. */
export function createTools({ files, commands, web, memory, skills }: ToolDeps): readonly Tool[] {
  return [
    ...builtInTools(),
    ...fileTools(files),
    ...commandTools(commands),
    ...webTools(web),
    ...(memory === null ? [] : memoryTools(memory)),
    createSkillTool(skills) as Tool,
  ];
}

/** Those that need nothing of the house. */
export function builtInTools(): readonly Tool[] {
  return [timeTool as Tool];
}

/** Those that open files of the agent's workspace. */
export function fileTools(deps: FileToolDeps): readonly Tool[] {
  return [
    createReadTool(deps) as Tool,
    createLsTool(deps) as Tool,
    createFindTool(deps) as Tool,
    createGrepTool(deps) as Tool,
    createWriteTool(deps) as Tool,
    createEditTool(deps) as Tool,
    createApplyPatchTool(deps) as Tool,
  ];
}

/** Those that run commands and look after them. */
export function commandTools(deps: ExecDeps): readonly Tool[] {
  return [createExecTool(deps) as Tool, createProcessTool(deps) as Tool];
}

/** Those that bring in what others wrote or drew. */
export function webTools(deps: WebToolDeps): readonly Tool[] {
  const search = createWebSearchTool(deps.search);
  return [
    ...(search === null ? [] : [search as Tool]),
    createWebFetchTool(deps.fetch) as Tool,
    createImageTool(deps.image) as Tool,
  ];
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
