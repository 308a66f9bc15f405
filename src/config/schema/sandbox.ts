/** `agents.*.sandbox`: in what the tools of an agent run. */
import * as z from "zod";
import { names, positive } from "./leaf.ts";

export function agentSandboxSchema() {
  return z.object({
    mode: z.enum(["off", "non-main", "all"]).describe("Which sessions run their commands in a container."),
    scope: z.enum(["session", "agent", "shared"]).describe("Who shares one container."),
    workspaceAccess: z.enum(["none", "ro", "rw"]).describe("What a container may do in the workspace."),
    docker: z
      .object({
        image: z.string().optional().describe("Image of the container."),
        network: z.enum(["none", "bridge"]).default("none").describe("Network of the container."),
        memoryMb: positive().optional().describe("Memory limit."),
        readOnlyRoot: z.boolean().default(true).describe("Whether its root file system is read-only."),
        binds: names().default([]).describe("Folders mounted into it."),
      })
      .optional(),
  });
}
