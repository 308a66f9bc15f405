/** How servers that speak MCP stand. The room of their clients knows; this passes it on. */
import { mcpStatus } from "../../../protocol/methods/mcp.ts";
import { handle, type BoundMethod } from "../handler.ts";
import type { RpcServices } from "../services.ts";

export function mcpMethods({ deps }: RpcServices): readonly BoundMethod[] {
  return [
    handle(mcpStatus, () =>
      Promise.resolve({ servers: deps.mcp.states().map((server) => ({ ...server, tools: [...server.tools] })) }),
    ),
  ];
}
