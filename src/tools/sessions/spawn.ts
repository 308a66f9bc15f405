/**
 * `sessions_spawn`: a helper with a session of its own, for a task that need not fill this conversation. It has no more
 * rights than the turn that starts it, ends with it where that is stopped, and its answer comes back once.
 */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import { mayStartHelpersOf } from "../../config/agent-reach.ts";
import type { Config } from "../../config/schema/root.ts";
import { formatSessionKey } from "../../domain/session-key.ts";
import { limits } from "../../domain/limits.ts";
import type { Tool, ToolContext } from "../contract.ts";
import { asUuid, bornOf, orderId } from "./born.ts";
import type { ErrandPort } from "./port.ts";
import { endText, errandTimeoutMs, waitMsOf } from "./waiting.ts";

const inputSchema = z.object({
  task: z.string().min(1).max(limits.errandTextChars).describe("All that the helper has to know"),
  agentId: z.string().min(1).max(64).optional(),
  label: z.string().min(1).max(80).optional(),
  model: z.string().min(1).max(200).optional(),
  wait: z.boolean().optional().describe("Else its answer comes as a message later"),
  timeoutSeconds: z
    .number()
    .int()
    .min(1)
    .max(limits.errandWaitMs / 1_000)
    .optional(),
});

export interface SpawnDeps {
  readonly errands: ErrandPort;
  readonly config: () => Config;
}

export function createSessionsSpawnTool(deps: SpawnDeps): Tool<z.infer<typeof inputSchema>> {
  return {
    name: "sessions_spawn",
    description: "Starts a helper that works on a task and sees nothing of this conversation.",
    inputSchema,
    // The same call is the same helper.
    effect: "idempotent",
    timeoutMs: ({ wait, timeoutSeconds }) => errandTimeoutMs({ wait: wait ?? false, timeoutSeconds }),
    plan({ task, agentId }, context) {
      const child = childOf(agentId, context, deps);
      return Promise.resolve({ kind: "session", ...child, text: task });
    },
    async run({ task, agentId, label, model, wait = false, timeoutSeconds }, context) {
      const child = childOf(agentId, context, deps);
      const runId = `sub-${orderId("spawn", context)}`;
      await deps.errands.spawn({
        ...child,
        runId,
        text: task,
        born: bornOf(context),
        announce: !wait,
        ...(label === undefined ? {} : { label }),
        ...(model === undefined ? {} : { model }),
      });
      if (!wait)
        return `The helper works in session ${child.sessionKey}. Its answer comes as a message when it is done.`;
      const end = await deps.errands.wait(runId, waitMsOf(timeoutSeconds), context.signal);
      return { text: endText(end), from: { class: "foreign", source: `helper ${child.sessionKey}` } };
    },
  };
}

/** Throws RUN_003 where no such helper may be started. */
function childOf(
  agentId: string | undefined,
  context: ToolContext,
  { config }: SpawnDeps,
): { readonly sessionKey: string; readonly agentId: string } {
  const snapshot = config();
  const { agents } = snapshot;
  const wanted = agentId ?? context.agentId;
  const { maxDepth } = agents.defaults.subagents;
  if ((context.born?.depth ?? 0) >= maxDepth) {
    throw new AppError("RUN_003", "A helper as deep as this one starts no further helpers. Do it yourself.");
  }
  const known = agents.list.some(({ id }) => id === wanted);
  if (wanted !== context.agentId && !(known && mayStartHelpersOf(snapshot, context.agentId, wanted))) {
    throw new AppError(
      "RUN_003",
      `No helper of the agent ${JSON.stringify(wanted)} may be started here. Leave agentId out.`,
    );
  }
  const id = asUuid(orderId("child", context));
  return { sessionKey: formatSessionKey({ kind: "subagent", agentId: wanted, id }), agentId: wanted };
}
