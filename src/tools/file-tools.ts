/** The tools that open files of the agent's workspace, in the order the model sees them. */
import type { Tool } from "./contract.ts";
import { createLsTool } from "./ls/index.ts";
import { createReadTool } from "./read/index.ts";
import type { Provenance } from "./workspace/provenance.ts";
import { createWriteTool } from "./write/index.ts";

export interface FileToolDeps {
  readonly provenance: Provenance;
}

/** Each input is checked by its own schema before `run`, so the types may be put aside here. */
export function fileTools(deps: FileToolDeps): readonly Tool[] {
  return [createReadTool(deps) as Tool, createWriteTool(deps) as Tool, createLsTool(deps) as Tool];
}
