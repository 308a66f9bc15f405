/** `agents.*.sandbox`: in what the commands of an agent run. */
import * as z from "zod";
import { about, names, positive } from "./leaf.ts";

export function agentSandboxSchema() {
  return z.object({
    mode: about(
      z.enum(["off", "non-main", "all"]),
      "Which sessions run their commands in a sandbox; where none is found, their commands are refused.",
    ),
    scope: about(
      z.enum(["session", "agent", "shared"]),
      "Who shares one sandbox; every command has one of its own today, so that nothing is shared.",
    ),
    workspaceAccess: about(z.enum(["none", "ro", "rw"]), "What a sandbox may do in the workspace."),
    backend: about(
      z.enum(["auto", "bubblewrap", "docker"]).optional(),
      "What the sandbox is made of; auto, as without it: bubblewrap where it works, else Docker.",
    ),
    network: about(z.boolean().optional(), "Whether a command in bubblewrap has the network; without it: no."),
    memoryMb: about(positive().optional(), "Memory of a command, in MiB; without it 2048."),
    processes: about(positive().optional(), "Processes and threads of a command; without it 256."),
    fileMb: about(positive().optional(), "The largest file that a command writes, in MiB; without it 1024."),
    binds: about(
      names().optional(),
      "Further folders in the sandbox: an absolute path, read-only unless it ends in :rw.",
    ),
    docker: z
      .object({
        image: about(z.string().optional(), "Image of the container; without one Docker is not used."),
        network: about(z.enum(["none", "bridge"]).default("none"), "Network of the container."),
        memoryMb: about(positive().optional(), "Memory limit, instead of memoryMb."),
        readOnlyRoot: about(z.boolean().default(true), "Whether its root file system is read-only."),
        binds: about(names().default([]), "Folders mounted into it besides, as in binds."),
      })
      .optional(),
  });
}
