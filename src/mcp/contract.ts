/** Tools of other programs that speak MCP, over standard input and output or HTTP. To the house they are tools like any other. */
import type { Tool } from "../tools/contract.ts";

export interface McpServerState {
  readonly name: string;
  readonly state: "idle" | "starting" | "ready" | "failed" | "disabled";
  readonly tools: readonly string[];
  readonly trouble: string | null;
}

export interface McpClients {
  /**
   * Tools of every server that this agent may use, `mcp__<server>__<tool>`. A server that does not answer in time is left out
   * and said so in `states`; it never holds up a turn for longer than its limit. Never throws.
   */
  tools(agentId: string): Promise<readonly Tool[]>;
  states(): readonly McpServerState[];
  close(): Promise<void>;
}
