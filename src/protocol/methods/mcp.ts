/** Servers that speak MCP: how each stands, and what tools it brings. */
import { z } from "zod";
import { method } from "../method.ts";

export const mcpStatus = method({
  name: "mcp.status",
  scope: "operator.read",
  params: z.strictObject({}),
  result: z.strictObject({
    servers: z.array(
      z.strictObject({
        name: z.string(),
        /** `idle`: nobody wanted it yet, or for a while; it is started when a turn does. */
        state: z.enum(["idle", "starting", "ready", "failed", "disabled"]),
        /** As rules name them: `mcp__<server>__<tool>`. Empty where it was never asked. */
        tools: z.array(z.string()),
        /** Why it cannot be used at the moment; null where nothing is amiss. */
        trouble: z.string().nullable(),
      }),
    ),
  }),
  summary: "How each configured MCP server stands, and the tools that it brings. Starts none.",
});
