/** `agents.*.sandbox`: in what the tools of an agent run. */
import * as z from "zod";
import { about, names, positive } from "./leaf.ts";

export function agentSandboxSchema() {
  return z.object({
    mode: about(z.enum(["off", "non-main", "all"]), "Which sessions run their commands in a container."),
    scope: about(z.enum(["session", "agent", "shared"]), "Who shares one container."),
    workspaceAccess: about(z.enum(["none", "ro", "rw"]), "What a container may do in the workspace."),
    docker: z
      .object({
        image: about(z.string().optional(), "Image of the container."),
        network: about(z.enum(["none", "bridge"]).default("none"), "Network of the container."),
        memoryMb: about(positive().optional(), "Memory limit."),
        readOnlyRoot: about(z.boolean().default(true), "Whether its root file system is read-only."),
        binds: about(names().default([]), "Folders mounted into it."),
      })
      .optional(),
  });
}
