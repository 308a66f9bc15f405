/**
 * Looks after commands that run in the background. Only those of the session that asks, and of the turns it started. It
 * writes nothing into them: a shell that runs would do what nobody decided about.
 */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import type { Tool, ToolContext, ToolOutput } from "../contract.ts";
import type { Processes, RunningProcess } from "../running/processes.ts";
import { endLine, outputOf } from "../running/words.ts";

export interface ProcessDeps {
  readonly processes: Processes;
}

const inputSchema = z.object({
  action: z.enum(["list", "poll", "kill"]),
  id: z.string().min(1).max(32).optional(),
});

export type ProcessInput = z.infer<typeof inputSchema>;

export function createProcessTool({ processes }: ProcessDeps): Tool<ProcessInput> {
  return {
    name: "process",
    description: "Lists commands in the background, reads what one wrote since the last time (poll), or ends one.",
    inputSchema,
    effect: "idempotent",
    // What was read once is not told again.
    effectOf: ({ action }) => (action === "list" ? "pure" : action === "kill" ? "idempotent" : "unsafe"),
    run: (input, context) => run(input, context, processes),
  };
}

async function run(input: ProcessInput, context: ToolContext, processes: Processes): Promise<string | ToolOutput> {
  if (input.action === "list") return listText(processes.list(context), context);
  if (input.id === undefined) throw new AppError("RUN_003", `Say which: ${input.action} needs the id of a command.`);
  const found = processes.find(context, input.id);
  if (found === null) {
    throw new AppError("RUN_003", `This session has no command ${JSON.stringify(input.id)}. See the action list.`);
  }
  if (input.action === "kill") {
    found.stop("killed");
    await found.ended;
  }
  return outputOf(found.text, found.news(), endLine(found));
}

function listText(all: readonly RunningProcess[], { clock }: ToolContext): string {
  if (all.length === 0) return "No commands run.";
  return all
    .map((one) => {
      const seconds = Math.round((clock.nowMs() - one.startedMs) / 1_000);
      const line = one.text.replaceAll(/\s+/g, " ").slice(0, 120);
      return `${one.id} ${endLine(one)} started ${seconds} s ago: ${line}`;
    })
    .join("\n");
}
